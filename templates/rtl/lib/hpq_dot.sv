// Dot product of N pairs, modulo 2**OUT_W: operand registers, product registers, adder tree.
// Latency 2 + ceil(ceil(log2 N) / 2). Element i is at bits i * width.
//
// Weights that are signs come as one bit each, 1 for -1. A product is the operand or its negative then, an
// adder's worth of LUTs; a multiplier by +1 and -1 would take twice as many, or a DSP block.
module hpq_dot #(
    parameter int N         = 2,
    parameter int X_W       = 8,
    parameter bit X_SIGNED  = 1'b1,
    parameter int W_W       = 8,
    parameter bit W_SIGNED  = 1'b1,
    parameter bit W_IS_SIGN = 1'b0,  // W_W is 1
    parameter int OUT_W     = 24
) (
    input  logic                    clk,
    input  logic                    en,
    input  logic [N*X_W-1:0]        x,
    input  logic [N*W_W-1:0]        w,
    output logic signed [OUT_W-1:0] y
);

  // An unsigned operand gets a sign bit; two signed ones of XE and WE bits give XE + WE bits.
  localparam int XE = X_SIGNED ? X_W : X_W + 1;
  localparam int WE = W_SIGNED ? W_W : W_W + 1;
  localparam int P_W = W_IS_SIGN ? X_W + 1 : XE + WE;

  logic [N*P_W-1:0] products;

  for (genvar i = 0; i < N; i++) begin : term
    logic signed [XE-1:0]  a;
    logic signed [P_W-1:0] product;
    always_ff @(posedge clk) begin
      if (en) a <= X_SIGNED ? XE'($signed(x[i*X_W+:X_W])) : XE'(x[i*X_W+:X_W]);
    end
    if (W_IS_SIGN) begin : sign
      logic negative;
      always_ff @(posedge clk) begin
        if (en) begin
          negative <= w[i];
          product  <= (P_W'(a) ^ {P_W{negative}}) + P_W'(negative);
        end
      end
    end else begin : number
      logic signed [WE-1:0] b;
      always_ff @(posedge clk) begin
        if (en) begin
          b       <= W_SIGNED ? WE'($signed(w[i*W_W+:W_W])) : WE'(w[i*W_W+:W_W]);
          product <= P_W'(a) * P_W'(b);
        end
      end
    end
    assign products[i*P_W+:P_W] = product;
  end

  hpq_addtree #(
      .N    (N),
      .IN_W (P_W),
      .OUT_W(OUT_W)
  ) tree (
      .clk  (clk),
      .en   (en),
      .terms(products),
      .sum  (y)
  );

endmodule
