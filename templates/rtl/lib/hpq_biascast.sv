// The end of a layer: bias, then ReLU and one cast, for ROWS results side by side; two registers.
//
// Everything is modulo 2**ACC_W, which the result with its bias always fits.
module hpq_biascast #(
    parameter int ROWS          = 1,
    parameter int ACC_W         = 24,
    parameter int PRODUCT_SHIFT = 0,          // zeros appended to a sum of products,
    parameter int B_W           = 1,
    parameter bit B_SIGNED      = 1'b1,
    parameter int BIAS_SHIFT    = 0,          // and to the bias, to align both
    parameter logic [2*ACC_W+1:0] CLIP = '0,  // see hpq_cast
    parameter int CAST_SHIFT    = 0,          // fraction bits of the accumulator minus the output's
    parameter int Y_W           = 8,
    parameter bit Y_SIGNED      = 1'b1,
    parameter     ROUNDING      = "AP_TRN",
    parameter     OVERFLOW      = "AP_WRAP",
    parameter int LEAKY_W       = 0,          // see hpq_finish
    parameter int SLOPE_W       = 1,
    parameter int SLOPE_SHIFT   = 0,
    parameter bit SLOPE_IN_LUTS = 1'b0,
    parameter logic [ROWS*B_W-1:0] BIASES = '0
) (
    input  logic                  clk,
    input  logic                  en,
    input  logic [ROWS*ACC_W-1:0] products,
    input  logic [ROWS*SLOPE_W-1:0] slopes,
    output logic [ROWS*Y_W-1:0]   y
);

  for (genvar r = 0; r < ROWS; r++) begin : row
    localparam logic [B_W-1:0]   BIAS_RAW = BIASES[r*B_W+:B_W];
    localparam logic [ACC_W-1:0] BIAS =
        (B_SIGNED ? ACC_W'($signed(BIAS_RAW)) : $signed(ACC_W'(BIAS_RAW))) << BIAS_SHIFT;
    logic        [ACC_W-1:0] product;
    logic signed [ACC_W-1:0] accumulator;
    logic        [Y_W-1:0]   result;
    assign product = products[r*ACC_W+:ACC_W];
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
        .IN_LUTS    (SLOPE_IN_LUTS)
    ) finish (
        .x    (accumulator),
        .slope(slopes[r*SLOPE_W+:SLOPE_W]),
        .y    (result)
    );
    always_ff @(posedge clk) begin
      if (en) begin
        accumulator   <= BIAS + (product << PRODUCT_SHIFT);
        y[r*Y_W+:Y_W] <= result;
      end
    end
  end

endmodule
