// Product of an integer and a constant in LUTs, without a DSP block: combinational.
//
// The constant is a sum of powers of two, some of them negative, no two of them neighbours (its non-adjacent
// form, the fewest there are); each adds or subtracts X shifted by as much. Positive ones come first, so that
// there is something to subtract from.
(* use_dsp = "no" *)
module hpq_constproduct #(
    parameter int X_W      = 8,
    parameter bit X_SIGNED = 1'b1,
    parameter int C_W      = 8,
    parameter logic signed [C_W-1:0] CONSTANT = 1,
    parameter int P_W      = 16                     // bits of the product
) (
    input  logic        [X_W-1:0] x,
    output logic signed [P_W-1:0] p
);

  // Adding half of the constant to it flips just the bits above which a digit is.
  localparam int D_W = C_W + 1;
  localparam logic signed [D_W:0] HALF  = (D_W + 1)'(CONSTANT) >>> 1;
  localparam logic signed [D_W:0] MORE  = (D_W + 1)'(CONSTANT) + HALF;
  localparam logic [D_W-1:0]      PLUS  = D_W'(MORE & ~HALF);
  localparam logic [D_W-1:0]      MINUS = D_W'(HALF & ~MORE);

  logic signed [P_W-1:0] operand;
  assign operand = X_SIGNED ? P_W'($signed(x)) : P_W'(x);
  logic unused;
  assign unused = &operand;

  for (genvar s = 0; s < 2 * D_W; s++) begin : step
    localparam int AT    = s % D_W;
    localparam bit FIRST = s < D_W;
    logic signed [P_W-1:0] so_far, total;
    if (s == 0) begin : start
      assign so_far = '0;
    end else begin : further
      assign so_far = step[s-1].total;
    end
    if (AT < P_W && (FIRST ? PLUS[AT] : MINUS[AT])) begin : digit
      if (AT > 0) begin : low
        assign total[AT-1:0] = so_far[AT-1:0];
      end
      if (FIRST) begin : plus
        assign total[P_W-1:AT] = so_far[P_W-1:AT] + operand[P_W-AT-1:0];
      end else begin : minus
        assign total[P_W-1:AT] = so_far[P_W-1:AT] - operand[P_W-AT-1:0];
      end
    end else begin : zero
      assign total = so_far;
    end
  end

  assign p = step[2*D_W-1].total;

endmodule
