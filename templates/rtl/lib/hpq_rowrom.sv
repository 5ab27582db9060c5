// Constants of the rows that a unit works on: a word per fold of rows, one after another, then again from
// the first. `next` is high in the cycle before the one in which the next word is needed.
module hpq_rowrom #(
    parameter int WIDTH = 8,
    parameter int DEPTH = 2,
    parameter     FILE  = "",
    parameter     STYLE = "distributed"
) (
    input  logic             clk,
    input  logic             rst,
    input  logic             next,
    output logic [WIDTH-1:0] data
);

  localparam int ADDR_W = (DEPTH > 1) ? $clog2(DEPTH) : 1;

  logic [ADDR_W-1:0] addr;
  always_ff @(posedge clk) begin
    if (rst) addr <= '0;
    else if (next) addr <= (addr == ADDR_W'(DEPTH - 1)) ? '0 : addr + 1'b1;
  end
  hpq_rom #(
      .WIDTH (WIDTH),
      .DEPTH (DEPTH),
      .ADDR_W(ADDR_W),
      .FILE  (FILE),
      .STYLE (STYLE)
  ) rom (
      .clk (clk),
      .addr(addr),
      .data(data)
  );

endmodule
