// Casts every element of a beat; combinational.
module hpq_castlanes #(
    parameter int LANES      = 1,
    parameter int X_W        = 8,
    parameter bit X_SIGNED   = 1'b1,
    parameter int CAST_SHIFT = 0,          // fraction bits of the input minus the output's
    parameter int Y_W        = 8,
    parameter bit Y_SIGNED   = 1'b1,
    parameter     ROUNDING   = "AP_TRN",
    parameter     OVERFLOW   = "AP_WRAP"
) (
    input  logic [LANES*X_W-1:0] x,
    output logic [LANES*Y_W-1:0] y
);

  localparam int XE = X_SIGNED ? X_W : X_W + 1;

  for (genvar l = 0; l < LANES; l++) begin : lane
    logic signed [XE-1:0] extended;
    assign extended = X_SIGNED ? XE'($signed(x[l*X_W+:X_W])) : XE'(x[l*X_W+:X_W]);
    hpq_cast #(
        .IN_W      (XE),
        .SHIFT     (CAST_SHIFT),
        .OUT_W     (Y_W),
        .OUT_SIGNED(Y_SIGNED),
        .ROUNDING  (ROUNDING),
        .OVERFLOW  (OVERFLOW)
    ) cast (
        .clk(1'b0),
        .x  (extended),
        .y  (y[l*Y_W+:Y_W])
    );
  end

endmodule
