// Product of an integer and a positive constant in LUTs, without a DSP block: latency STAGES.
//
// The constant is a sum of powers of two, some of them negative, no two of them neighbours (its non-adjacent form,
// the fewest there are). Each is a shifted copy of X; a tree adds them up, neighbours first. The sum of two terms
// that are both subtracted is subtracted itself; the highest term is always added, and so is the whole.
//
// Behind every EVERY levels is a register, counted so that the last is one. For levels that the tree does without,
// X is delayed: all products of the same X share that. STAGES * EVERY levels are the most there may be; with
// STAGES = 0 there is no register.
(* use_dsp = "no" *)
module hpq_constproduct #(
    parameter int X_W      = 8,
    parameter bit X_SIGNED = 1'b1,
    parameter int C_W      = 8,
    parameter logic [C_W-1:0] CONSTANT = 1,
    parameter int P_W      = 16,                    // bits of the product as a signed number
    parameter int STAGES   = 0,
    parameter int EVERY    = 1
) (
    input  logic                  clk,              // without registers it may be any constant
    input  logic        [X_W-1:0] x,
    output logic signed [P_W-1:0] p
);

  // Adding half of the constant to it flips just the bits above which a digit is.
  localparam int D_W = C_W + 1;
  localparam logic [D_W-1:0] HALF  = D_W'(CONSTANT) >> 1;
  localparam logic [D_W-1:0] MORE  = D_W'(CONSTANT) + HALF;
  localparam logic [D_W-1:0] DIGIT = MORE ^ HALF;
  localparam int N      = $countones(DIGIT);
  localparam int LEVELS = N > 1 ? $clog2(N) : 0;
  localparam int BEFORE = STAGES * EVERY - LEVELS;  // levels that the tree does without

  // The place of digit number I, counted from the lowest; D_W if there are not so many.
  function automatic int place(input int i);
    int left;
    left  = i;
    place = D_W;
    for (int b = 0; b < D_W; b++) begin
      if (DIGIT[b]) begin
        if (left == 0) place = b;
        left = left - 1;
      end
    end
  endfunction

  // Whether term I of level L is subtracted: all its digits are.
  function automatic bit minus(input int l, input int i);
    minus = 1'b1;
    for (int d = i << l; d < N && d < (i + 1) << l; d++) begin
      if (MORE[place(d)]) minus = 1'b0;
    end
  endfunction

  // Bits of term I of level L: of X times all its digits.
  function automatic int bits(input int l, input int i);
    int value;
    value = 0;
    for (int d = i << l; d < N && d < (i + 1) << l; d++) value += MORE[place(d)] ? 1 << place(d) : -(1 << place(d));
    bits = (X_SIGNED ? X_W : X_W + 1) + $clog2(value < 0 ? -value : value);
    if (bits > P_W) bits = P_W;
  endfunction

  logic [X_W-1:0] operand;
  hpq_registers #(
      .WIDTH(X_W),
      .COUNT(STAGES > 0 ? BEFORE / EVERY : 0)
  ) delayed (
      .clk(clk),
      .x  (x),
      .y  (operand)
  );

  for (genvar l = 0; l <= LEVELS; l++) begin : level
    localparam int COUNT = N > 0 ? (N + (1 << l) - 1) >> l : 1;
    localparam bit REGISTERED = l > 0 && STAGES > 0 && (BEFORE + l) % EVERY == 0;
    logic [COUNT*P_W-1:0] term;
    for (genvar i = 0; i < COUNT; i++) begin : node
      logic signed [P_W-1:0] sum;
      if (l == 0) begin : digit
        localparam int AT = place(i);
        if (AT < P_W) begin : copy
          assign sum = (X_SIGNED ? P_W'($signed(operand)) : P_W'(operand)) <<< AT;
        end else begin : nothing
          assign sum = '0;
        end
      end else begin : adder
        localparam int LAST = (N + (1 << (l - 1)) - 1) >> (l - 1);
        localparam int AT   = place((2 * i + 1) << (l - 1));  // below it the right term has nothing
        logic signed [P_W-1:0] left, right;
        assign left = level[l-1].term[2*i*P_W+:P_W];
        if (2 * i + 1 >= LAST || AT >= P_W) begin : alone
          assign right = '0;
          assign sum   = left;
        end else begin : pair
          assign right = level[l-1].term[(2*i+1)*P_W+:P_W];
          if (minus(l - 1, 2 * i) && !minus(l - 1, 2 * i + 1)) begin : reversed
            assign sum = right - left;
          end else begin : in_order
            assign sum[AT-1:0] = left[AT-1:0];
            if (minus(l - 1, 2 * i) == minus(l - 1, 2 * i + 1)) begin : plus
              assign sum[P_W-1:AT] = left[P_W-1:AT] + right[P_W-1:AT];
            end else begin : difference
              assign sum[P_W-1:AT] = left[P_W-1:AT] - right[P_W-1:AT];
            end
          end
        end
        logic unused;
        assign unused = &right;
      end
      // Synthesis does not see through a register that its upper bits are copies of the sign.
      localparam int W = bits(l, i);
      logic signed [W-1:0] kept;
      hpq_registers #(
          .WIDTH(W),
          .COUNT(int'(REGISTERED))
      ) behind (
          .clk(clk),
          .x  (W'(sum)),
          .y  (kept)
      );
      assign term[i*P_W+:P_W] = P_W'(kept);
      logic unused_bits;
      assign unused_bits = &sum;
    end
  end

  assign p = level[LEVELS].term[P_W-1:0];

  logic unused;
  assign unused = &{clk, operand};

endmodule
