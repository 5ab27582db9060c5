// Two streams become one, element by element, then a clip and one cast; one beat per cycle. A beat is taken from
// both inputs at once.
//
// OPERATION: add, subtract, multiply, maximum, minimum. All but products are exact at the finer of the two
// fractions; products have both.
//
// The pipeline: result | cast, of products: operands | product | cast.
module hpq_combine #(
    parameter     OPERATION  = "add",
    parameter int LANES      = 1,
    parameter int A_W        = 8,
    parameter bit A_SIGNED   = 1'b1,
    parameter int A_SHIFT    = 0,          // zeros appended to align the two
    parameter int B_W        = 8,
    parameter bit B_SIGNED   = 1'b1,
    parameter int B_SHIFT    = 0,
    parameter bit IN_LUTS    = 1'b0,       // products in LUTs, not in DSP blocks
    parameter int STAGES     = 2,          // registers of operands and products: see hpq_dot
    parameter bit [2:0] CAST_REGISTERS = '0,  // see hpq_finish
    parameter int ACC_W      = 9,
    parameter logic [2*ACC_W+1:0] CLIP = '0,  // see hpq_cast
    parameter int CAST_SHIFT = 0,          // fraction bits of the result minus the output's
    parameter int Y_W        = 8,
    parameter bit Y_SIGNED   = 1'b1,
    parameter     ROUNDING   = "AP_TRN",
    parameter     OVERFLOW   = "AP_WRAP",
    parameter int LEAKY_W    = 0,             // see hpq_finish and hpq_slopes
    parameter int SLOPE_W    = 1,
    parameter int SLOPE_SHIFT= 0,
    parameter bit SLOPE_IN_LUTS = 1'b0,
    parameter int SLOPE_DEPTH= 1,
    parameter     SLOPE_FILE = "",
    parameter     SLOPE_STYLE= "distributed",
    parameter logic [LANES*SLOPE_W-1:0] SLOPES = '0
) (
    input  logic                 clk,
    input  logic                 rst,
    input  logic [LANES*A_W-1:0] a_data,
    input  logic                 a_valid,
    output logic                 a_ready,
    input  logic [LANES*B_W-1:0] b_data,
    input  logic                 b_valid,
    output logic                 b_ready,
    output logic [LANES*Y_W-1:0] out_data,
    output logic                 out_valid,
    input  logic                 out_ready
);

  // The strings are brought to one length.
  localparam bit SUBTRACTS  = 64'(OPERATION) == 64'("subtract");
  localparam bit MULTIPLIES = 64'(OPERATION) == 64'("multiply");
  localparam bit LARGER     = 64'(OPERATION) == 64'("maximum");
  localparam bit SMALLER    = 64'(OPERATION) == 64'("minimum");

  assign out_valid = a_valid && b_valid;
  assign a_ready   = out_ready && b_valid;
  assign b_ready   = out_ready && a_valid;

  logic [LANES*SLOPE_W-1:0] slopes;
  hpq_slopes #(
      .LANES      (LANES),
      .STAGES     (MULTIPLIES ? STAGES : 1),
      .SLOPE_W    (SLOPE_W),
      .SLOPE_DEPTH(SLOPE_DEPTH),
      .SLOPE_FILE (SLOPE_FILE),
      .SLOPE_STYLE(SLOPE_STYLE),
      .SLOPES     (SLOPES)
  ) slope (
      .clk   (clk),
      .rst   (rst),
      .beat  (out_valid && out_ready),
      .slopes(slopes)
  );

  for (genvar l = 0; l < LANES; l++) begin : lane
    logic signed [ACC_W-1:0] total;
    logic        [Y_W-1:0]   result;
    if (MULTIPLIES) begin : product
      hpq_dot #(
          .N       (1),
          .X_W     (A_W),
          .X_SIGNED(A_SIGNED),
          .W_W     (B_W),
          .W_SIGNED(B_SIGNED),
          .IN_LUTS (IN_LUTS),
          .OUT_W   (ACC_W),
          .STAGES  (STAGES)
      ) dot (
          .clk(clk),
          .x  (a_data[l*A_W+:A_W]),
          .w  (b_data[l*B_W+:B_W]),
          .y  (total)
      );
    end else begin : aligned
      // A bit more than the result has: what is compared, or subtracted, need not fit into that.
      localparam int W = (A_W + A_SHIFT > B_W + B_SHIFT ? A_W + A_SHIFT : B_W + B_SHIFT) + 2;
      logic signed [W-1:0] a, b, exact;
      assign a = (A_SIGNED ? W'($signed(a_data[l*A_W+:A_W])) : W'(a_data[l*A_W+:A_W])) <<< A_SHIFT;
      assign b = (B_SIGNED ? W'($signed(b_data[l*B_W+:B_W])) : W'(b_data[l*B_W+:B_W])) <<< B_SHIFT;
      if (SUBTRACTS) begin : difference
        assign exact = a - b;
      end else if (LARGER || SMALLER) begin : one_of_them
        assign exact = ((a > b) == LARGER) ? a : b;
      end else begin : sum
        assign exact = a + b;
      end
      always_ff @(posedge clk) begin
        total <= ACC_W'(exact);
      end
      logic unused;
      assign unused = &exact;
    end
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
        .x    (total),
        .slope(slopes[l*SLOPE_W+:SLOPE_W]),
        .y    (result)
    );
    always_ff @(posedge clk) begin
      out_data[l*Y_W+:Y_W] <= result;
    end
  end

endmodule
