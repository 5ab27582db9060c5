// Dot product with N constant weights, modulo 2**OUT_W: product registers, then an adder tree.
// Latency 1 + ceil(ceil(log2 N) / EVERY). Zero weights cost nothing. IN_LUTS: no product becomes a DSP block.
module hpq_constdot #(
    parameter int N        = 2,
    parameter int X_W      = 8,
    parameter bit X_SIGNED = 1'b1,
    parameter int W_W      = 8,
    parameter bit W_SIGNED = 1'b1,
    parameter bit IN_LUTS  = 1'b0,
    parameter int OUT_W    = 24,
    parameter int EVERY    = 2,      // levels of adders between registers
    parameter logic [N*W_W-1:0] WEIGHTS = '0
) (
    input  logic                    clk,
    input  logic [N*X_W-1:0]        x,
    output logic signed [OUT_W-1:0] y
);

  localparam int XE  = X_SIGNED ? X_W : X_W + 1;
  localparam int WE  = W_SIGNED ? W_W : W_W + 1;
  localparam int P_W = XE + WE;

  logic [N*P_W-1:0] products;

  for (genvar i = 0; i < N; i++) begin : term
    localparam logic [W_W-1:0] RAW = WEIGHTS[i*W_W+:W_W];
    localparam logic signed [WE-1:0] W = W_SIGNED ? WE'($signed(RAW)) : WE'(RAW);
    logic signed [P_W-1:0] product, product_now;
    if (IN_LUTS) begin : in_luts
      hpq_constproduct #(
          .X_W     (X_W),
          .X_SIGNED(X_SIGNED),
          .C_W     (WE),
          .CONSTANT(W),
          .P_W     (P_W)
      ) multiplier (
          .x(x[i*X_W+:X_W]),
          .p(product_now)
      );
    end else begin : number
      logic signed [XE-1:0] a;
      assign a           = X_SIGNED ? XE'($signed(x[i*X_W+:X_W])) : XE'(x[i*X_W+:X_W]);
      assign product_now = P_W'(a) * P_W'(W);
    end
    always_ff @(posedge clk) begin
      product <= product_now;
    end
    assign products[i*P_W+:P_W] = product;
  end

  hpq_addtree #(
      .N    (N),
      .IN_W (P_W),
      .OUT_W(OUT_W),
      .EVERY(EVERY)
  ) tree (
      .clk  (clk),
      .terms(products),
      .sum  (y)
  );

endmodule
