// Pure wiring: element i of the output is element INDEX[i] of the same input beat, or PAD_VALUE where
// INDEX[i] is -1. INDEX is packed, 32 bits an entry, entry 0 lowest.
module hpq_gather #(
    parameter int WIDTH     = 8,
    parameter int IN_LANES  = 1,
    parameter int OUT_LANES = 1,
    parameter logic [WIDTH-1:0]        PAD_VALUE = '0,
    parameter logic [OUT_LANES*32-1:0] INDEX     = '0
) (
    input  logic [IN_LANES*WIDTH-1:0]  in_data,
    input  logic                       in_valid,
    output logic                       in_ready,
    output logic [OUT_LANES*WIDTH-1:0] out_data,
    output logic                       out_valid,
    input  logic                       out_ready
);

  assign out_valid = in_valid;
  assign in_ready  = out_ready;

  for (genvar i = 0; i < OUT_LANES; i++) begin : element
    localparam int FROM = INDEX[i*32+:32];
    if (FROM < 0) begin : pad
      assign out_data[i*WIDTH+:WIDTH] = PAD_VALUE;
    end else begin : wired
      assign out_data[i*WIDTH+:WIDTH] = in_data[FROM*WIDTH+:WIDTH];
    end
  end

  // Not every element needs to be used.
  logic unused;
  assign unused = ^in_data;

endmodule
