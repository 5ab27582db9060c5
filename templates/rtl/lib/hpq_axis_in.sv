// AXI4-Stream slave port. TDATA is padded to whole bytes at the top; frames are told apart by counting
// beats in the kernels, so TLAST is not looked at, and TKEEP and TSTRB are taken as all ones.
module hpq_axis_in #(
    parameter int WIDTH = 8,
    parameter int BYTES = 1
) (
    input  logic               clk,
    input  logic               rst,
    input  logic [8*BYTES-1:0] tdata,
    input  logic               tvalid,
    output logic               tready,
    input  logic               tlast,
    input  logic [BYTES-1:0]   tkeep,
    input  logic [BYTES-1:0]   tstrb,
    output logic [WIDTH-1:0]   out_data,
    output logic               out_valid,
    input  logic               out_ready
);

  // Nothing is accepted during reset, nor lost.
  logic running;
  always_ff @(posedge clk) running <= !rst;

  assign out_data  = tdata[WIDTH-1:0];
  assign out_valid = tvalid && running;
  assign tready    = out_ready && running;

  logic unused;
  assign unused = &{tdata, tlast, tkeep, tstrb};

endmodule
