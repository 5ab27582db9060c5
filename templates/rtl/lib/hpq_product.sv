// Product of two integers in LUTs, without a DSP block: latency STAGES.
//
// B is taken two bits at a time. With the bit below, each pair is a digit from -2 to 2 (Booth's recoding), and
// adds a row: that multiple of A. A row is one 6-input LUT a bit, of the sum so far, two bits of A and the three
// of the digit, and a carry chain. Yosys takes two to four times as many LUTs for a `*`.
//
// A row subtracts the opposite multiple, because a difference, unlike a sum, keeps its order in synthesis: what
// is subtracted from enters the carry chain beside the LUT, and that must be the sum so far, not the multiple,
// which would take LUTs of its own. -x is ~x + 1; the bit appended to both terms carries the 1 in.
//
// The rows are spread over STAGES stages, with a register behind each: what is left of B, and A, go on beside the
// sum. The first stage has a row less than its share, for what stands in front of the operands.
(* use_dsp = "no" *)
module hpq_product #(
    parameter int A_W      = 8,
    parameter bit A_SIGNED = 1'b1,
    parameter int B_W      = 8,
    parameter bit B_SIGNED = 1'b1,
    parameter int P_W      = 16,    // bits of the product as a signed number
    parameter int STAGES   = 2
) (
    input  logic                  clk,
    input  logic        [A_W-1:0] a,
    input  logic        [B_W-1:0] b,
    output logic signed [P_W-1:0] p
);

  localparam int ROWS = (B_W + (B_SIGNED ? 1 : 2)) / 2;
  localparam int D_W  = 2 * ROWS;

  for (genvar s = 0; s < STAGES; s++) begin : stage
    localparam int BEGIN = (s * (ROWS + 1) < STAGES) ? 0 : s * (ROWS + 1) / STAGES - 1;
    localparam int END   = (s == STAGES - 1) ? ROWS :
                           ((s + 1) * (ROWS + 1) < STAGES) ? 0 : (s + 1) * (ROWS + 1) / STAGES - 1;
    localparam int S_W   = (A_W + 2 * BEGIN < P_W) ? A_W + 2 * BEGIN : P_W;  // of the sum of the rows before
    logic        [A_W-1:0] factor;
    logic        [B_W-1:0] apart;
    logic        [D_W:0]   digits;  // they overlap by a bit, and a zero is below the lowest
    logic signed [P_W-1:0] carried, sum;
    assign digits = {B_SIGNED ? D_W'($signed(apart)) : D_W'(apart), 1'b0};
    if (s == 0) begin : operands
      assign factor = a;
      assign apart  = b;
      assign carried = '0;
    end else begin : registered
      always_ff @(posedge clk) begin
        factor <= stage[s-1].factor;
        apart  <= stage[s-1].apart;
      end
      if (BEGIN > 0) begin : with_sum
        logic signed [S_W-1:0] so_far;
        always_ff @(posedge clk) so_far <= S_W'(stage[s-1].sum);
        assign carried = P_W'(so_far);
      end else begin : no_sum
        assign carried = '0;
      end
    end

    for (genvar r = BEGIN; r < END; r++) begin : row
      // The sum of the rows so far without the bits that are final, and two bits more.
      localparam int AT = 2 * r;
      localparam int W  = (A_W + 2 < P_W - AT) ? A_W + 2 : P_W - AT;
      logic        [2:0]     digit;
      logic signed [P_W-1:0] so_far, total;
      logic signed [W-1:0]   once, opposite, partial;
      logic                  one, two, positive, appended, unused;
      assign digit    = digits[AT+:3];
      assign positive = !digit[2];
      assign one      = digit[1] ^ digit[0];
      assign two      = (digit[2] ^ digit[1]) && !one;
      assign once     = A_SIGNED ? W'($signed(factor)) : W'(factor);
      assign opposite = ({W{one}} & once | {W{two}} & (once << 1)) ^ {W{positive}};
      if (r == BEGIN) begin : first
        assign so_far = carried;
      end else begin : further
        assign so_far = row[r-1].total;
      end
      assign {partial, appended} = {so_far[AT+:W], 1'b0} - {opposite, positive};
      if (r > 0) begin : final_bits
        assign total[AT-1:0] = so_far[AT-1:0];
      end
      assign total[P_W-1:AT] = (P_W - AT)'(partial);
      assign unused = &{appended, so_far, total};
    end
    if (END > BEGIN) begin : rows
      assign sum = row[END-1].total;
    end else begin : no_row
      assign sum = carried;
    end
    logic unused;
    assign unused = &{factor, apart, digits, carried, sum};
  end

  always_ff @(posedge clk) p <= stage[STAGES-1].sum;

endmodule
