// Average of the taps of each window, channel by channel, one beat per cycle: the exact sum, times the
// constant RECIPROCAL, then ReLU and one cast. A window of 2**n taps has RECIPROCAL 1: a mere shift.
// Element (p * TAPS + t) * LANES + l goes in, element p * LANES + l comes out.
//
// The pipeline: adder tree | product | cast, with as many registers as parameters say.
module hpq_avgpool #(
    parameter int POSITIONS    = 1,
    parameter int TAPS         = 4,
    parameter int LANES        = 1,
    parameter int X_W          = 8,
    parameter bit X_SIGNED     = 1'b1,
    parameter int RECIPROCAL_W = 1,
    parameter logic [RECIPROCAL_W-1:0] RECIPROCAL = 1'b1,
    parameter bit IN_LUTS      = 1'b0,     // products in LUTs, not in DSP blocks
    parameter int EVERY        = 2,        // levels of an adder tree between registers
    parameter int PRODUCT_STAGES = 1,      // registers of the product, the last one behind it
    parameter bit [2:0] CAST_REGISTERS = '0,  // see hpq_finish
    parameter int ACC_W        = 16,
    parameter logic [2*ACC_W+1:0] CLIP = '0,  // see hpq_cast
    parameter int CAST_SHIFT   = 0,        // fraction bits of the product minus the output's
    parameter int Y_W          = 8,
    parameter bit Y_SIGNED     = 1'b1,
    parameter     ROUNDING     = "AP_TRN",
    parameter     OVERFLOW     = "AP_WRAP",
    parameter int LEAKY_W      = 0,           // see hpq_finish and hpq_slopes
    parameter int SLOPE_W      = 1,
    parameter int SLOPE_SHIFT  = 0,
    parameter bit SLOPE_IN_LUTS = 1'b0,
    parameter int SLOPE_DEPTH  = 1,
    parameter     SLOPE_FILE   = "",
    parameter     SLOPE_STYLE  = "distributed",
    parameter logic [POSITIONS*LANES*SLOPE_W-1:0] SLOPES = '0
) (
    input  logic                                clk,
    input  logic                                rst,
    input  logic [POSITIONS*TAPS*LANES*X_W-1:0] in_data,
    input  logic                                in_valid,
    output logic                                in_ready,
    output logic [POSITIONS*LANES*Y_W-1:0]      out_data,
    output logic                                out_valid,
    input  logic                                out_ready
);

  localparam int XE    = X_SIGNED ? X_W : X_W + 1;
  localparam int SUM_W = XE + $clog2(TAPS);

  // Nothing stands still: what is taken is out so many cycles later, where there is a place for it.
  assign out_valid = in_valid;
  assign in_ready  = out_ready;

  logic [POSITIONS*LANES*SLOPE_W-1:0] slopes;
  hpq_slopes #(
      .LANES      (POSITIONS*LANES),
      .STAGES     (($clog2(TAPS) + EVERY - 1) / EVERY + PRODUCT_STAGES),
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
    for (genvar l = 0; l < LANES; l++) begin : lane
      logic        [TAPS*XE-1:0]  terms;
      logic signed [SUM_W-1:0]    sum;
      logic signed [ACC_W-1:0]    scaled;
      logic        [Y_W-1:0]      result;
      for (genvar t = 0; t < TAPS; t++) begin : tap
        localparam int AT = ((p * TAPS + t) * LANES + l) * X_W;
        assign terms[t*XE+:XE] = X_SIGNED ? XE'($signed(in_data[AT+:X_W])) : XE'(in_data[AT+:X_W]);
      end
      hpq_addtree #(
          .N    (TAPS),
          .IN_W (XE),
          .OUT_W(SUM_W),
          .EVERY(EVERY)
      ) tree (
          .clk  (clk),
          .terms(terms),
          .sum  (sum)
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
          .x    (scaled),
          .slope(slopes[(p * LANES + l)*SLOPE_W+:SLOPE_W]),
          .y    (result)
      );
      if (IN_LUTS) begin : in_luts
        hpq_constproduct #(
            .X_W     (SUM_W),
            .X_SIGNED(1'b1),
            .C_W     (RECIPROCAL_W),
            .CONSTANT(RECIPROCAL),
            .P_W     (ACC_W),
            .STAGES  (PRODUCT_STAGES),
            .EVERY   (EVERY)
        ) multiplier (
            .clk(clk),
            .x  (sum),
            .p  (scaled)
        );
      end else begin : number
        hpq_registers #(
            .WIDTH(ACC_W),
            .COUNT(PRODUCT_STAGES)
        ) behind_product (
            .clk(clk),
            .x  (ACC_W'(sum) * $signed(ACC_W'(RECIPROCAL))),
            .y  (scaled)
        );
      end
      always_ff @(posedge clk) begin
        out_data[(p*LANES+l)*Y_W+:Y_W] <= result;
      end
    end
  end

endmodule
