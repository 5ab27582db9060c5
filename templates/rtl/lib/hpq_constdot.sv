// Dot product with N constant weights, modulo 2**OUT_W: products, then an adder tree. Zero weights cost nothing.
// Latency STAGES + ceil(ceil(log2 N) / EVERY).
//
// Of a weight whose non-adjacent form has up to DIGITS digits, the product is a sum of shifted copies: of its odd
// part without its sign, which others may share; what is left are wires and a subtraction in the tree. Any other is
// left to synthesis, which builds it in a DSP block.
module hpq_constdot #(
    parameter int N        = 2,
    parameter int X_W      = 8,
    parameter bit X_SIGNED = 1'b1,
    parameter int W_W      = 8,
    parameter bit W_SIGNED = 1'b1,
    parameter int DIGITS   = 1,
    parameter int STAGES   = 1,      // registers of a product, at least 1
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

  // Digits of weight I. Adding half of a number to it flips just the bits above which a digit is.
  function automatic int digits(input int i);
    logic [WE:0] size, more;
    size = (WE + 1)'(WEIGHTS[i*W_W+:W_W]);
    if (W_SIGNED && WEIGHTS[i*W_W+W_W-1]) size = (WE + 1)'(1 << W_W) - size;
    more   = size + (size >> 1);
    digits = 0;
    for (int b = 0; b <= WE; b++) begin
      if (more[b] != (b < WE && size[b+1])) digits = digits + 1;
    end
  endfunction

  // Which terms are subtracted. Nothing is a wire if it counts as subtracted too: no term is subtracted from it.
  function automatic logic [N-1:0] negative();
    negative = '0;
    for (int i = 0; i < N; i++) begin
      if (digits(i) == 0) negative[i] = 1'b1;
      else if (digits(i) <= DIGITS && W_SIGNED) negative[i] = WEIGHTS[i*W_W+W_W-1];
    end
  endfunction

  localparam logic [N-1:0] NEGATIVE = negative();
  logic [N*P_W-1:0] products;

  for (genvar i = 0; i < N; i++) begin : term
    localparam logic        [W_W-1:0] RAW  = WEIGHTS[i*W_W+:W_W];
    localparam logic signed [WE-1:0]  W    = W_SIGNED ? WE'($signed(RAW)) : WE'(RAW);
    localparam logic        [WE-1:0]  SIZE = W < 0 ? -W : W;
    logic signed [P_W-1:0] product;
    if (W == 0) begin : zero
      assign product = '0;
    end else if (digits(i) <= DIGITS) begin : in_luts
      localparam int PLACE = $clog2(SIZE & -SIZE);
      logic signed [P_W-1:0] odd;
      hpq_constproduct #(
          .X_W     (X_W),
          .X_SIGNED(X_SIGNED),
          .C_W     (WE),
          .CONSTANT(SIZE >> PLACE),
          .P_W     (P_W),
          .STAGES  (STAGES),
          .EVERY   (EVERY)
      ) multiplier (
          .clk(clk),
          .x  (x[i*X_W+:X_W]),
          .p  (odd)
      );
      assign product = odd <<< PLACE;
    end else begin : number
      logic        [X_W-1:0] operand;
      logic signed [XE-1:0]  a;
      hpq_registers #(
          .WIDTH(X_W),
          .COUNT(STAGES - 1)
      ) delayed (
          .clk(clk),
          .x  (x[i*X_W+:X_W]),
          .y  (operand)
      );
      assign a = X_SIGNED ? XE'($signed(operand)) : XE'(operand);
      always_ff @(posedge clk) product <= P_W'(a) * P_W'(W);
    end
    assign products[i*P_W+:P_W] = product;
  end

  logic signed [OUT_W-1:0] sum;
  hpq_addtree #(
      .N       (N),
      .IN_W    (P_W),
      .OUT_W   (OUT_W),
      .EVERY   (EVERY),
      .NEGATIVE(NEGATIVE)
  ) tree (
      .clk  (clk),
      .terms(products),
      .sum  (sum)
  );
  assign y = &NEGATIVE ? -sum : sum;

  logic unused;  // by weights of zero
  assign unused = &{clk, x};

endmodule
