// One beat of each input in one beat, element i of it element INDEX[i] of all of them one after another; one
// beat per cycle through one register. INDEX is packed, 32 bits an entry, entry 0 lowest.
module hpq_weld #(
    parameter int INPUTS = 2,
    parameter int WIDTH  = 8,
    parameter int LANES  = 2,
    parameter logic [LANES*32-1:0] INDEX = '0
) (
    input  logic                   clk,
    input  logic                   rst,
    input  logic [LANES*WIDTH-1:0] in_data,
    input  logic [     INPUTS-1:0] in_valid,
    output logic [     INPUTS-1:0] in_ready,
    output logic [LANES*WIDTH-1:0] out_data,
    output logic                   out_valid,
    input  logic                   out_ready
);

  logic all;
  assign all       = &in_valid;
  assign out_valid = all;
  assign in_ready  = {INPUTS{all && out_ready}};

  for (genvar i = 0; i < LANES; i++) begin : element
    localparam int FROM = INDEX[i*32+:32];
    always_ff @(posedge clk) out_data[i*WIDTH+:WIDTH] <= in_data[FROM*WIDTH+:WIDTH];
  end

  logic unused_rst;
  assign unused_rst = rst;

endmodule
