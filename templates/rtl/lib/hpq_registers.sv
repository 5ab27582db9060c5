// The word COUNT cycles later: plain registers, or wires where COUNT is 0.
module hpq_registers #(
    parameter int WIDTH = 8,
    parameter int COUNT = 1
) (
    input  logic             clk,
    input  logic [WIDTH-1:0] x,
    output logic [WIDTH-1:0] y
);

  if (COUNT == 0) begin : none
    logic unused;
    assign unused = clk;
    assign y      = x;
  end else begin : some
    logic [COUNT*WIDTH-1:0] stages;
    assign y = stages[(COUNT-1)*WIDTH+:WIDTH];
    always_ff @(posedge clk) stages <= (COUNT * WIDTH)'({stages, x});
  end

endmodule
