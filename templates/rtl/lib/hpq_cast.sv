// Assignment of an exact fixed-point number to an ap_[u]fixed type, combinational but for the registers that
// REGISTERS asks for: behind the range (bit 0), and behind the rounding (bit 1).
//
// x is a signed integer with SHIFT more fraction bits than y (SHIFT may be negative or exceed IN_W).
// First x is brought into the range that CLIP says, {has upper, has lower, upper bound, lower bound}; then the bits
// below y's least significant one are rounded away as ROUNDING says; then a value outside y's range is handled as
// OVERFLOW says. A lower bound of 0, a ReLU, takes effect last: what is negative is rounded to 0 or less, and a
// type without negative numbers saturates it to 0 anyway. With HALF_ADDED half a unit of y is in x
// already, which is all that AP_RND adds: bounds are of the number without it. (AP_WRAP_SM looks at what was not
// rounded.) The modes bear the names that
// Vitis HLS gives them (UG1399, "Arbitrary Precision Fixed-Point Data Types"):
//
//   ROUNDING: AP_TRN, AP_TRN_ZERO, AP_RND, AP_RND_ZERO, AP_RND_INF, AP_RND_MIN_INF, AP_RND_CONV
//   OVERFLOW: AP_WRAP, AP_SAT, AP_SAT_ZERO, AP_SAT_SYM, AP_WRAP_SM (signed only)
module hpq_cast #(
    parameter int IN_W       = 16,
    parameter int SHIFT      = 0,
    parameter int OUT_W      = 8,
    parameter bit OUT_SIGNED = 1'b1,
    parameter logic [2*IN_W+1:0] CLIP = '0,
    parameter     ROUNDING   = "AP_TRN",
    parameter     OVERFLOW   = "AP_WRAP",
    parameter bit HALF_ADDED = 1'b0,        // with AP_RND, SHIFT in 1 .. IN_W - 1, not AP_WRAP_SM
    parameter bit [1:0] REGISTERS = '0
) (
    input  logic                    clk,       // without registers it may be any constant
    input  logic signed [IN_W-1:0]  x,
    output logic        [OUT_W-1:0] y
);

  // Modes as flags; the strings are brought to one length first.
  localparam bit RND         = 112'(ROUNDING) == 112'("AP_RND");
  localparam bit RND_ZERO    = 112'(ROUNDING) == 112'("AP_RND_ZERO");
  localparam bit RND_INF     = 112'(ROUNDING) == 112'("AP_RND_INF");
  localparam bit RND_MIN_INF = 112'(ROUNDING) == 112'("AP_RND_MIN_INF");
  localparam bit RND_CONV    = 112'(ROUNDING) == 112'("AP_RND_CONV");
  localparam bit TRN         = 112'(ROUNDING) == 112'("AP_TRN");
  localparam bit TRN_ZERO    = 112'(ROUNDING) == 112'("AP_TRN_ZERO");
  localparam bit SAT         = 112'(OVERFLOW) == 112'("AP_SAT");
  localparam bit SAT_ZERO    = 112'(OVERFLOW) == 112'("AP_SAT_ZERO");
  localparam bit SAT_SYM     = 112'(OVERFLOW) == 112'("AP_SAT_SYM");
  localparam bit WRAP_SM     = 112'(OVERFLOW) == 112'("AP_WRAP_SM");

  // Bits to drop or zeros to append. Beyond these limits nothing changes any more: of a number that
  // is far below the least significant bit only the sign matters, of one far above only "not zero".
  localparam int DROP = (SHIFT <= 0) ? 0 : (SHIFT > IN_W + 2) ? IN_W + 2 : SHIFT;
  localparam int GROW = (SHIFT >= 0) ? 0 : (-SHIFT > OUT_W + 1) ? OUT_W + 1 : -SHIFT;

  localparam int A_W = (IN_W > DROP) ? IN_W : DROP + 1;  // at least the sign survives the shift
  localparam int R_W = A_W - DROP + 1;                   // one bit for the carry of rounding up
  localparam int V_W = (R_W + GROW > OUT_W + 2) ? R_W + GROW : OUT_W + 2;

  // The range
  localparam bit                     HAS_LOWER = CLIP[2*IN_W];
  localparam bit                     HAS_UPPER = CLIP[2*IN_W+1];
  localparam bit                     RECTIFIED = HAS_LOWER && CLIP[0+:IN_W] == '0;
  localparam bit                     ZEROED    = RECTIFIED || (!OUT_SIGNED && (SAT || SAT_SYM || SAT_ZERO));
  localparam logic signed [IN_W-1:0] HALF      = HALF_ADDED ? IN_W'(1) << (SHIFT - 1) : '0;
  localparam logic signed [IN_W-1:0] LOWER     = $signed(CLIP[0+:IN_W]) + HALF;
  localparam logic signed [IN_W-1:0] UPPER     = $signed(CLIP[IN_W+:IN_W]) + HALF;

  logic signed [IN_W-1:0] raised, clipped;
  logic signed [A_W-1:0]  a;
  if (!HAS_LOWER || RECTIFIED) begin : any
    assign raised = x;
  end else begin : bounded
    assign raised = (x < LOWER) ? LOWER : x;
  end
  assign clipped = (HAS_UPPER && raised > UPPER) ? UPPER : raised;
  hpq_registers #(
      .WIDTH(A_W),
      .COUNT(int'(REGISTERS[0]))
  ) behind_range (
      .clk(clk),
      .x  (A_W'(clipped)),
      .y  (a)
  );

  // Rounding: floor, plus one where the dropped bits say so.
  localparam int             HALF_BIT  = (DROP > 0) ? DROP - 1 : 0;
  localparam logic [A_W-1:0] REST_MASK = {A_W{1'b1}} >> (A_W - DROP + 1);

  logic                  negative, half, rest, up;
  logic signed [R_W-1:0] floored, rounded, floored_late, rounded_late;
  assign negative = a[A_W-1];
  assign half     = (DROP > 0) && a[HALF_BIT];  // the uppermost dropped bit
  assign rest     = |(a & REST_MASK);           // any bit below it
  assign floored  = R_W'(a >>> DROP);
  assign up       = RND ? half && !HALF_ADDED :
                    RND_ZERO ? half && (negative || rest) :
                    RND_INF ? half && (!negative || rest) :
                    RND_MIN_INF ? half && rest :
                    RND_CONV ? half && (floored[0] || rest) :
                    TRN_ZERO ? negative && (half || rest) : 1'b0;  // else AP_TRN
  assign rounded  = floored + R_W'({1'b0, up});
  hpq_registers #(
      .WIDTH(2 * R_W),
      .COUNT(int'(REGISTERS[1]))
  ) behind_rounding (
      .clk(clk),
      .x  ({floored, rounded}),
      .y  ({floored_late, rounded_late})
  );

  // Overflow
  localparam int                RANGE_BITS = OUT_SIGNED ? OUT_W - 1 : OUT_W;
  localparam bit                SYMMETRIC  = SAT_SYM && OUT_SIGNED && (OUT_W > 1);
  localparam logic [OUT_W-1:0] HIGH       = OUT_SIGNED ? {OUT_W{1'b1}} >> 1 : {OUT_W{1'b1}};
  localparam logic [OUT_W-1:0] MINIMUM    = OUT_SIGNED ? ~HIGH : '0;
  localparam logic [OUT_W-1:0] LOW        = MINIMUM | OUT_W'(SYMMETRIC);
  // Where what is negative becomes 0 anyway: the bits above the range but for the sign, which is bit SIGN.
  localparam bit             ROUNDS = DROP > 0 && !HALF_ADDED && !TRN;
  localparam int             SIGN   = R_W + GROW - (ROUNDS ? 1 : 2);
  localparam logic [V_W-1:0] ABOVE  = ({V_W{1'b1}} << RANGE_BITS) & ~({V_W{1'b1}} << SIGN);

  logic signed [V_W-1:0]   value, unrounded, excess;
  logic        [OUT_W-1:0] wrapped;
  logic                    below, fits, deleted;
  assign value     = V_W'(rounded_late) <<< GROW;
  assign unrounded = V_W'(floored_late) <<< GROW;
  assign excess    = value >>> RANGE_BITS;  // all bits equal the sign if the value fits
  assign below     = value[V_W-1];
  assign fits      = ZEROED ? (value & ABOVE) == '0 : (excess == '0) || (OUT_SIGNED && (&excess));
  assign wrapped   = value[OUT_W-1:0];
  assign deleted   = 1'(unrounded >>> OUT_W);

  always_comb begin
    y = wrapped;
    if (SAT || SAT_SYM) begin
      if (!fits) y = (below && !ZEROED) ? LOW : HIGH;
      else if (SYMMETRIC && wrapped == MINIMUM) y = LOW;
    end else if (SAT_ZERO) begin
      if (!fits) y = '0;
    end else if (WRAP_SM) begin
      // Sign-magnitude wrap: the lowest deleted bit becomes the sign, the others follow by inversion.
      if (!fits && deleted != wrapped[OUT_W-1]) y = ~wrapped;
    end
    if (ZEROED && below) y = '0;  // last, so that it can be the reset of the register that y goes into
  end

endmodule
