// A function by table: the lowest INDEX_W bits of every element choose its word. Each lane has a memory of
// its own; one beat per cycle, one register, that of the memory, or two with that of its output.
module hpq_table #(
    parameter int LANES   = 1,
    parameter int X_W     = 8,
    parameter int INDEX_W = 8,
    parameter int Y_W     = 8,
    parameter     FILE    = "",
    parameter     STYLE   = "distributed",
    parameter bit READ_REGISTER = 1'b0
) (
    input  logic                 clk,
    input  logic                 rst,
    input  logic [LANES*X_W-1:0] in_data,
    input  logic                 in_valid,
    output logic                 in_ready,
    output logic [LANES*Y_W-1:0] out_data,
    output logic                 out_valid,
    input  logic                 out_ready
);

  // Nothing stands still: what is taken is out so many cycles later, where there is a place for it.
  assign out_valid = in_valid;
  assign in_ready  = out_ready;

  for (genvar l = 0; l < LANES; l++) begin : lane
    hpq_rom #(
        .WIDTH (Y_W),
        .DEPTH (1 << INDEX_W),
        .ADDR_W(INDEX_W),
        .FILE  (FILE),
        .STYLE (STYLE),
        .REGISTERED(READ_REGISTER)
    ) rom (
        .clk (clk),
        .addr(in_data[l*X_W+:INDEX_W]),
        .data(out_data[l*Y_W+:Y_W])
    );
  end

  // Of codes that cannot occur the upper bits tell nothing.
  logic unused;
  assign unused = ^in_data;

  logic unused_rst;
  assign unused_rst = rst;

endmodule
