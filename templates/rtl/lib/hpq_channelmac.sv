// Per-channel multiply-accumulate: depthwise convolution, or a batch-norm that stands alone.
//
// Beats of TAPS * LANES elements come in, element t * LANES + l; beats of LANES results go out, one
// for one, at one beat per cycle: result l = bias + (sum over t of weight * x << shift), exact, then
// ReLU and one cast. The CHUNKS beats of a position use one ROM word each.
//
// The pipeline: ROM read | operands | products | adder tree | bias | cast, with as many registers as parameters say.
module hpq_channelmac #(
    parameter int LANES         = 1,
    parameter int TAPS          = 1,
    parameter int CHUNKS        = 1,
    parameter int X_W           = 8,
    parameter bit X_SIGNED      = 1'b1,
    parameter int W_W           = 8,
    parameter bit W_SIGNED      = 1'b1,
    parameter bit W_IS_SIGN     = 1'b0,       // weights are +1 or -1, and W_W is 1: the ROM has a 1 for -1
    parameter bit IN_LUTS       = 1'b0,       // products in LUTs, not in DSP blocks
    parameter bit READ_REGISTER = 1'b0,       // behind the ROM
    parameter int STAGES        = 2,          // registers of operands and products: see hpq_dot
    parameter int EVERY         = 2,          // levels of an adder tree between registers
    parameter bit SHIFT_REGISTER = 1'b0,      // behind the shift of a sum
    parameter bit BIAS_REGISTER = 1'b1,       // behind the bias
    parameter bit [2:0] CAST_REGISTERS = '0,  // see hpq_finish
    parameter bit HAS_BIAS      = 1'b0,
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
    parameter logic [LANES*SLOPE_W-1:0] SLOPES = '0,
    parameter     WEIGHT_FILE   = "",
    parameter     WEIGHT_STYLE  = "block",
    parameter     BIAS_FILE     = "",
    parameter     BIAS_STYLE    = "distributed",
    parameter int SHIFT_W       = 1,
    parameter int SHIFT_DEPTH   = 1,          // words of shifts; with 1, every chunk has SHIFTS
    parameter     SHIFT_FILE    = "",
    parameter     SHIFT_STYLE   = "distributed",
    parameter logic [LANES*SHIFT_W-1:0] SHIFTS = '0
) (
    input  logic                      clk,
    input  logic                      rst,
    input  logic [TAPS*LANES*X_W-1:0] in_data,
    input  logic                      in_valid,
    output logic                      in_ready,
    output logic [LANES*Y_W-1:0]      out_data,
    output logic                      out_valid,
    input  logic                      out_ready
);

  localparam int ADDR_W  = (CHUNKS > 1) ? $clog2(CHUNKS) : 1;
  localparam int AHEAD   = SHIFT_REGISTER ? 1 : 0;  // of the bias, where sums are shifted
  localparam int LATENCY = (READ_REGISTER ? 2 : 1) + STAGES + ($clog2(TAPS) + EVERY - 1) / EVERY + AHEAD;
  localparam int AT_CAST = LATENCY + (BIAS_REGISTER ? 1 : 0);

  // valid_at[i]: there is a beat i + 1 registers behind the input. Nothing stands still: there is a place for it behind
  // the cast.
  logic [AT_CAST-1:0] valid_at;
  logic             take;
  assign out_valid = in_valid;
  assign in_ready  = out_ready;
  assign take      = in_valid && out_ready;
  always_ff @(posedge clk) begin
    if (rst) valid_at <= '0;
    else valid_at <= AT_CAST'({valid_at, take});
  end

  // ---------------------------------------------------------------- ROM read
  logic [ADDR_W-1:0]         chunk;
  logic [TAPS*LANES*X_W-1:0] x, x_taken;
  logic [TAPS*LANES*W_W-1:0] weights;
  always_ff @(posedge clk) begin
    if (rst) chunk <= '0;
    else if (take) chunk <= (chunk == ADDR_W'(CHUNKS - 1)) ? '0 : chunk + 1'b1;
  end
  always_ff @(posedge clk) begin
    x_taken <= in_data;
  end
  hpq_registers #(
      .WIDTH(TAPS * LANES * X_W),
      .COUNT(int'(READ_REGISTER))
  ) x_register (
      .clk(clk),
      .x  (x_taken),
      .y  (x)
  );
  hpq_rom #(
      .WIDTH (TAPS * LANES * W_W),
      .DEPTH (CHUNKS),
      .ADDR_W(ADDR_W),
      .FILE  (WEIGHT_FILE),
      .STYLE (WEIGHT_STYLE),
      .REGISTERED(READ_REGISTER)
  ) weight_rom (
      .clk (clk),
      .addr(chunk),
      .data(weights)
  );

  // ---------------------------------------------------------------- bias and cast
  // Bias and shift follow the beat that is one cycle ahead of the addition.
  logic [LANES*ACC_W-1:0] biases;
  if (HAS_BIAS) begin : bias
    logic [LANES*B_W-1:0] word;
    hpq_rowrom #(
        .WIDTH(LANES * B_W),
        .DEPTH(CHUNKS),
        .FILE (BIAS_FILE),
        .STYLE(BIAS_STYLE)
    ) rom (
        .clk (clk),
        .rst (rst),
        .next(valid_at[LATENCY-2]),
        .data(word)
    );
    for (genvar l = 0; l < LANES; l++) begin : lane
      if (B_SIGNED) begin : extend_sign
        assign biases[l*ACC_W+:ACC_W] = ACC_W'($signed(word[l*B_W+:B_W])) << BIAS_SHIFT;
      end else begin : extend_zero
        assign biases[l*ACC_W+:ACC_W] = ACC_W'(word[l*B_W+:B_W]) << BIAS_SHIFT;
      end
    end
  end else begin : no_bias
    assign biases = '0;
  end

  // A channel's weights are integers of its own scale: its sum is worth 2**shift times as much.
  logic [LANES*SHIFT_W-1:0] shifts;
  if (SHIFT_DEPTH > 1) begin : shift
    hpq_rowrom #(
        .WIDTH(LANES * SHIFT_W),
        .DEPTH(SHIFT_DEPTH),
        .FILE (SHIFT_FILE),
        .STYLE(SHIFT_STYLE)
    ) rom (
        .clk (clk),
        .rst (rst),
        .next(valid_at[LATENCY-2-AHEAD]),
        .data(shifts)
    );
  end else begin : same_shift
    assign shifts = SHIFTS;
  end

  logic [LANES*SLOPE_W-1:0] slopes;
  hpq_slopes #(
      .LANES      (LANES),
      .STAGES     (0),
      .SLOPE_W    (SLOPE_W),
      .SLOPE_DEPTH(SLOPE_DEPTH),
      .SLOPE_FILE (SLOPE_FILE),
      .SLOPE_STYLE(SLOPE_STYLE),
      .SLOPES     (SLOPES)
  ) slope (
      .clk   (clk),
      .rst   (rst),
      .beat  (valid_at[AT_CAST-1]),
      .slopes(slopes)
  );

  for (genvar l = 0; l < LANES; l++) begin : lane
    logic [TAPS*X_W-1:0] lane_x;
    logic [TAPS*W_W-1:0] lane_w;
    for (genvar t = 0; t < TAPS; t++) begin : tap
      assign lane_x[t*X_W+:X_W] = x[(t*LANES+l)*X_W+:X_W];
      assign lane_w[t*W_W+:W_W] = weights[(t*LANES+l)*W_W+:W_W];
    end
    logic signed [ACC_W-1:0] sum, scaled, accumulator;
    logic        [Y_W-1:0]   result;
    hpq_dot #(
        .N        (TAPS),
        .X_W      (X_W),
        .X_SIGNED (X_SIGNED),
        .W_W      (W_W),
        .W_SIGNED (W_SIGNED),
        .W_IS_SIGN(W_IS_SIGN),
        .IN_LUTS  (IN_LUTS),
        .OUT_W    (ACC_W),
        .STAGES   (STAGES),
        .EVERY    (EVERY)
    ) dot (
        .clk(clk),
        .x  (lane_x),
        .w  (lane_w),
        .y  (sum)
    );
    hpq_registers #(
        .WIDTH(ACC_W),
        .COUNT(AHEAD)
    ) shifted (
        .clk(clk),
        .x  (sum <<< PRODUCT_SHIFT <<< shifts[l*SHIFT_W+:SHIFT_W]),
        .y  (scaled)
    );
    hpq_registers #(
        .WIDTH(ACC_W),
        .COUNT(int'(BIAS_REGISTER))
    ) with_bias (
        .clk(clk),
        .x  ($signed(biases[l*ACC_W+:ACC_W]) + scaled),
        .y  (accumulator)
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
        .slope(slopes[l*SLOPE_W+:SLOPE_W]),
        .y    (result)
    );
    always_ff @(posedge clk) begin
      out_data[l*Y_W+:Y_W] <= result;
    end
  end

endmodule
