// Product of two integers in LUTs, without a DSP block: latency 2.
//
// B is taken two bits at a time. With the bit below, each pair is a digit from -2 to 2 (Booth's recoding), and
// adds a row: that multiple of A. A row is one 6-input LUT a bit, of the sum so far, two bits of A and the three
// of the digit, and a carry chain; a multiplier left to the tools takes two to four times as many LUTs.
//
// A row subtracts the opposite multiple, because a difference, unlike a sum, keeps its order in synthesis: what
// is subtracted from enters the carry chain beside the LUT, and that must be the sum so far, not the multiple,
// which would take LUTs of its own. -x is ~x + 1; the bit appended to both terms carries the 1 in.
//
// The operands' registers stand behind the first half of the rows, so that neither of the two stages has a
// long way; what is left of B, and A, go on beside the sum.
(* use_dsp = "no" *)
module hpq_product #(
    parameter int A_W      = 8,
    parameter bit A_SIGNED = 1'b1,
    parameter int B_W      = 8,
    parameter bit B_SIGNED = 1'b1,
    parameter int P_W      = 16     // bits of the product as a signed number
) (
    input  logic                  clk,
    input  logic                  en,
    input  logic        [A_W-1:0] a,
    input  logic        [B_W-1:0] b,
    output logic signed [P_W-1:0] p
);

  localparam int ROWS  = (B_W + (B_SIGNED ? 1 : 2)) / 2;
  localparam int EARLY = (ROWS - 1) / 2;  // rows in front of the operands' registers
  localparam int D_W   = 2 * ROWS;
  localparam int S_W   = A_W + 2 * EARLY;

  logic        [A_W-1:0] a_late;
  logic        [B_W-1:0] b_late;
  logic signed [S_W-1:0] sum_late;  // of the early rows
  logic        [D_W:0]   digits, digits_late;  // they overlap by a bit, and a zero is below the lowest
  assign digits      = {B_SIGNED ? D_W'($signed(b)) : D_W'(b), 1'b0};
  assign digits_late = {B_SIGNED ? D_W'($signed(b_late)) : D_W'(b_late), 1'b0};

  for (genvar r = 0; r < ROWS; r++) begin : row
    // The sum of the rows so far without the bits that are final, and two bits more.
    localparam int AT = 2 * r;
    localparam int W  = (A_W + 2 < P_W - AT) ? A_W + 2 : P_W - AT;
    logic        [A_W-1:0] factor;
    logic        [2:0]     digit;
    logic signed [P_W-1:0] so_far, total;
    logic signed [W-1:0]   once, opposite;
    logic                  one, two, positive, appended, unused;
    assign factor   = (r < EARLY) ? a : a_late;
    assign digit    = (r < EARLY) ? digits[AT+:3] : digits_late[AT+:3];
    assign positive = !digit[2];
    assign one      = digit[1] ^ digit[0];
    assign two      = (digit[2] ^ digit[1]) && !one;
    assign once     = A_SIGNED ? W'($signed(factor)) : W'(factor);
    assign opposite = ({W{one}} & once | {W{two}} & (once << 1)) ^ {W{positive}};
    if (r == 0) begin : first
      assign so_far = '0;
    end else if (r == EARLY) begin : middle
      assign so_far = P_W'(sum_late);
    end else begin : further
      assign so_far = row[r-1].total;
    end
    logic signed [W-1:0] sum;
    assign {sum, appended} = {so_far[AT+:W], 1'b0} - {opposite, positive};
    if (r > 0) begin : final_bits
      assign total[AT-1:0] = so_far[AT-1:0];
    end
    assign total[P_W-1:AT] = (P_W - AT)'(sum);
    assign unused = &{appended, so_far, total};
  end

  always_ff @(posedge clk) begin
    if (en) begin
      a_late <= a;
      b_late <= b;
      p      <= row[ROWS-1].total;
    end
  end
  if (EARLY > 0) begin : early
    always_ff @(posedge clk) begin
      if (en) sum_late <= S_W'(row[EARLY-1].total);
    end
  end else begin : late
    logic unused;
    assign sum_late = '0;
    assign unused   = &sum_late;
  end

endmodule
