// Matrix-vector products with one multiplier for every weight, weights constant: a beat per cycle.
//
// A beat of POSITIONS * GROUPS * COLS elements (position, group, column) goes in, a beat of
// POSITIONS * GROUPS * ROWS results (position, group, row) comes out: row = bias + (weights . x << shift),
// exact, then ReLU and one cast. Constant (g, m, k) of WEIGHTS is element (g * ROWS + m) * COLS + k.
//
// The pipeline: products | adder tree | bias | cast, with as many registers as parameters say.
module hpq_unrolled #(
    parameter int POSITIONS     = 1,
    parameter int GROUPS        = 1,
    parameter int ROWS          = 1,
    parameter int COLS          = 1,
    parameter int X_W           = 8,
    parameter bit X_SIGNED      = 1'b1,
    parameter int W_W           = 8,
    parameter bit W_SIGNED      = 1'b1,
    parameter int DIGITS        = 1,          // see hpq_constdot
    parameter int PRODUCT_STAGES = 1,
    parameter int EVERY         = 2,          // levels of an adder tree between registers
    parameter bit BIAS_REGISTER = 1'b1,       // behind the bias
    parameter bit [2:0] CAST_REGISTERS = '0,  // see hpq_finish
    parameter int B_W           = 1,
    parameter bit B_SIGNED      = 1'b1,
    parameter int ACC_W         = 24,
    parameter int PRODUCT_SHIFT = 0,          // zeros appended to a sum of products,
    parameter int BIAS_SHIFT    = 0,          // and to the bias, to align both
    parameter logic [2*ACC_W+1:0] CLIP = '0,  // see hpq_cast
    parameter int CAST_SHIFT    = 0,          // fraction bits of the accumulator minus the output's
    parameter int Y_W           = 8,
    parameter bit Y_SIGNED      = 1'b1,
    parameter     ROUNDING      = "AP_TRN",
    parameter     OVERFLOW      = "AP_WRAP",
    parameter int LEAKY_W       = 0,          // see hpq_finish and hpq_slopes
    parameter int SLOPE_W       = 1,
    parameter int SLOPE_SHIFT   = 0,
    parameter bit SLOPE_IN_LUTS = 1'b0,
    parameter int SLOPE_DEPTH   = 1,
    parameter     SLOPE_FILE    = "",
    parameter     SLOPE_STYLE   = "distributed",
    parameter logic [POSITIONS*GROUPS*ROWS*SLOPE_W-1:0] SLOPES = '0,
    parameter logic [GROUPS*ROWS*COLS*W_W-1:0] WEIGHTS = '0,
    parameter logic [GROUPS*ROWS*B_W-1:0]      BIASES  = '0,
    parameter int SHIFT_W       = 1,
    parameter logic [GROUPS*ROWS*SHIFT_W-1:0]  SHIFTS  = '0
) (
    input  logic                                 clk,
    input  logic                                 rst,
    input  logic [POSITIONS*GROUPS*COLS*X_W-1:0] in_data,
    input  logic                                 in_valid,
    output logic                                 in_ready,
    output logic [POSITIONS*GROUPS*ROWS*Y_W-1:0] out_data,
    output logic                                 out_valid,
    input  logic                                 out_ready
);

  // Nothing stands still: what is taken is out so many cycles later, where there is a place for it.
  assign out_valid = in_valid;
  assign in_ready  = out_ready;

  logic [POSITIONS*GROUPS*ROWS*SLOPE_W-1:0] slopes;
  hpq_slopes #(
      .LANES      (POSITIONS*GROUPS*ROWS),
      .STAGES     (PRODUCT_STAGES + ($clog2(COLS) + EVERY - 1) / EVERY + int'(BIAS_REGISTER)),
      .SLOPE_W    (SLOPE_W),
      .SLOPE_DEPTH(SLOPE_DEPTH),
      .SLOPE_FILE (SLOPE_FILE),
      .SLOPE_STYLE(SLOPE_STYLE),
      .SLOPES     (SLOPES)
  ) slope (
      .clk   (clk),
      .rst   (rst),
      .beat  (in_valid && out_ready),
      .slopes(slopes)
  );

  for (genvar p = 0; p < POSITIONS; p++) begin : position
    for (genvar r = 0; r < GROUPS * ROWS; r++) begin : row
      localparam int X_AT = (p * GROUPS + r / ROWS) * COLS * X_W;
      localparam int Y_AT = (p * GROUPS * ROWS + r) * Y_W;
      localparam logic [B_W-1:0]   BIAS_RAW = BIASES[r*B_W+:B_W];
      localparam logic [ACC_W-1:0] BIAS =
          (B_SIGNED ? ACC_W'($signed(BIAS_RAW)) : $signed(ACC_W'(BIAS_RAW))) << BIAS_SHIFT;
      // A row's weights are integers of its own scale: its sum is worth 2**shift times as much.
      localparam int SUM_SHIFT = PRODUCT_SHIFT + int'(SHIFTS[r*SHIFT_W+:SHIFT_W]);
      logic signed [ACC_W-1:0] sum, accumulator;
      logic        [Y_W-1:0]   result;
      hpq_constdot #(
          .N       (COLS),
          .X_W     (X_W),
          .X_SIGNED(X_SIGNED),
          .W_W     (W_W),
          .W_SIGNED(W_SIGNED),
          .DIGITS  (DIGITS),
          .STAGES  (PRODUCT_STAGES),
          .OUT_W   (ACC_W),
          .EVERY   (EVERY),
          .WEIGHTS (WEIGHTS[r*COLS*W_W+:COLS*W_W])
      ) dot (
          .clk(clk),
          .x  (in_data[X_AT+:COLS*X_W]),
          .y  (sum)
      );
      hpq_finish #(
          .IN_W       (ACC_W),
          .SHIFT      (CAST_SHIFT),
          .OUT_W      (Y_W),
          .OUT_SIGNED (Y_SIGNED),
          .CLIP       (CLIP),
          .ROUNDING   (ROUNDING),
          .OVERFLOW   (OVERFLOW),
          .LEAKY_W    (LEAKY_W),
          .SLOPE_W    (SLOPE_W),
          .SLOPE_SHIFT(SLOPE_SHIFT),
          .IN_LUTS    (SLOPE_IN_LUTS),
          .REGISTERS  (CAST_REGISTERS)
      ) finish (
          .clk  (clk),
          .x    (accumulator),
          .slope(slopes[(p * GROUPS * ROWS + r)*SLOPE_W+:SLOPE_W]),
          .y    (result)
      );
      hpq_registers #(
          .WIDTH(ACC_W),
          .COUNT(int'(BIAS_REGISTER))
      ) with_bias (
          .clk(clk),
          .x  ($signed(BIAS) + (sum <<< SUM_SHIFT)),
          .y  (accumulator)
      );
      always_ff @(posedge clk) begin
        out_data[Y_AT+:Y_W] <= result;
      end
    end
  end

endmodule
