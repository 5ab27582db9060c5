// AXI4-Stream master port: zero-pads TDATA to whole bytes and raises TLAST on every BEATS-th beat.
module hpq_axis_out #(
    parameter int WIDTH = 8,
    parameter int BYTES = 1,
    parameter int BEATS = 1
) (
    input  logic               clk,
    input  logic               rst,
    input  logic [WIDTH-1:0]   in_data,
    input  logic               in_valid,
    output logic               in_ready,
    output logic [8*BYTES-1:0] tdata,
    output logic               tvalid,
    input  logic               tready,
    output logic               tlast,
    output logic [BYTES-1:0]   tkeep,
    output logic [BYTES-1:0]   tstrb
);

  localparam int COUNT_W = (BEATS > 1) ? $clog2(BEATS) : 1;

  logic [COUNT_W-1:0] beat;
  always_ff @(posedge clk) begin
    if (rst) beat <= '0;
    else if (tvalid && tready) beat <= tlast ? '0 : beat + 1'b1;
  end

  assign tdata    = (8 * BYTES)'(in_data);
  assign tvalid   = in_valid;
  assign in_ready = tready;
  assign tlast    = beat == COUNT_W'(BEATS - 1);
  assign tkeep    = '1;
  assign tstrb    = '1;

endmodule
