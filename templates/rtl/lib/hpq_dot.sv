// Dot product of N pairs, modulo 2**OUT_W: STAGES registers of operands and products, adder tree (hpq_addtree).
// Latency STAGES and that of the tree. Element i is at bits i * width.
//
// A DSP block has registers for two stages of operands and two of products; of what STAGES asks for, up to 4, those
// of the operands grow last.
//
// Weights that are signs come as one bit each, 1 for -1. A product is the operand or its negative then, an
// adder's worth of LUTs; a multiplier by +1 and -1 would take twice as many, or a DSP block.
//
// IN_LUTS: products are hpq_product, where a `*` may become a DSP block. The latency is the same.
module hpq_dot #(
    parameter int N         = 2,
    parameter int X_W       = 8,
    parameter bit X_SIGNED  = 1'b1,
    parameter int W_W       = 8,
    parameter bit W_SIGNED  = 1'b1,
    parameter bit W_IS_SIGN = 1'b0,  // W_W is 1
    parameter bit IN_LUTS   = 1'b0,
    parameter int OUT_W     = 24,
    parameter int STAGES    = 2,     // at least 2
    parameter int EVERY     = 2,     // levels of adders between registers,
    parameter int GAP       = 0      // and those that count as standing behind the second: see hpq_addtree
) (
    input  logic                    clk,
    input  logic [N*X_W-1:0]        x,
    input  logic [N*W_W-1:0]        w,
    output logic signed [OUT_W-1:0] y
);

  // An unsigned operand gets a sign bit; two signed ones of XE and WE bits give XE + WE bits.
  localparam int XE = X_SIGNED ? X_W : X_W + 1;
  localparam int WE = W_SIGNED ? W_W : W_W + 1;
  localparam int SOFT_W = X_W + W_W + ((X_SIGNED || W_SIGNED) ? 0 : 1);
  localparam int P_W    = W_IS_SIGN ? X_W + 1 : IN_LUTS ? SOFT_W : XE + WE;

  // Which factor hpq_product takes apart: the one with which its carry chains are shorter in all.
  localparam bit X_APART = (XE + 1) / 2 * (W_W + 3) < (WE + 1) / 2 * (X_W + 3);
  localparam int A_W     = X_APART ? W_W : X_W;
  localparam int B_W     = X_APART ? X_W : W_W;

  // Registers of operands in front of the last, and of products behind the first.
  localparam int EARLIER = (STAGES > 3) ? STAGES - 3 : 0;
  localparam int LATER   = (STAGES > 2) ? 1 : 0;

  logic [N*P_W-1:0] products;

  for (genvar i = 0; i < N; i++) begin : term
    logic signed [P_W-1:0] product;
    if (W_IS_SIGN) begin : sign
      logic        [X_W-1:0] x_now;
      logic                  w_now;
      logic signed [ XE-1:0] a;
      logic                  negative;
      logic signed [P_W-1:0] first;
      hpq_registers #(
          .WIDTH(X_W + 1),
          .COUNT(EARLIER)
      ) earlier (
          .clk(clk),
          .x  ({w[i], x[i*X_W+:X_W]}),
          .y  ({w_now, x_now})
      );
      always_ff @(posedge clk) begin
        a        <= X_SIGNED ? XE'($signed(x_now)) : XE'(x_now);
        negative <= w_now;
        first    <= (P_W'(a) ^ {P_W{negative}}) + P_W'(negative);
      end
      hpq_registers #(
          .WIDTH(P_W),
          .COUNT(LATER)
      ) later (
          .clk(clk),
          .x  (first),
          .y  (product)
      );
    end else if (IN_LUTS) begin : in_luts
      logic [A_W-1:0] factor;
      logic [B_W-1:0] apart;
      if (X_APART) begin : x_apart
        assign factor = w[i*W_W+:W_W];
        assign apart  = x[i*X_W+:X_W];
      end else begin : w_apart
        assign factor = x[i*X_W+:X_W];
        assign apart  = w[i*W_W+:W_W];
      end
      hpq_product #(
          .A_W     (A_W),
          .A_SIGNED(X_APART ? W_SIGNED : X_SIGNED),
          .B_W     (B_W),
          .B_SIGNED(X_APART ? X_SIGNED : W_SIGNED),
          .P_W     (P_W),
          .STAGES  (STAGES)
      ) multiplier (
          .clk(clk),
          .a  (factor),
          .b  (apart),
          .p  (product)
      );
    end else begin : number
      logic        [X_W-1:0] x_now;
      logic        [W_W-1:0] w_now;
      logic signed [ XE-1:0] a;
      logic signed [ WE-1:0] b;
      logic signed [P_W-1:0] first;
      hpq_registers #(
          .WIDTH(X_W + W_W),
          .COUNT(EARLIER)
      ) earlier (
          .clk(clk),
          .x  ({w[i*W_W+:W_W], x[i*X_W+:X_W]}),
          .y  ({w_now, x_now})
      );
      always_ff @(posedge clk) begin
        a     <= X_SIGNED ? XE'($signed(x_now)) : XE'(x_now);
        b     <= W_SIGNED ? WE'($signed(w_now)) : WE'(w_now);
        first <= P_W'(a) * P_W'(b);
      end
      hpq_registers #(
          .WIDTH(P_W),
          .COUNT(LATER)
      ) later (
          .clk(clk),
          .x  (first),
          .y  (product)
      );
    end
    assign products[i*P_W+:P_W] = product;
  end

  hpq_addtree #(
      .N    (N),
      .IN_W (P_W),
      .OUT_W(OUT_W),
      .EVERY(EVERY),
      .GAP  (GAP)
  ) tree (
      .clk  (clk),
      .terms(products),
      .sum  (y)
  );

endmodule
