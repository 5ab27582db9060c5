// Casts every element of a stream, in a range or with slopes if that is asked for; one beat per cycle, a register and
// those of the cast.
module hpq_castunit #(
    parameter int LANES      = 1,
    parameter int X_W        = 8,
    parameter bit X_SIGNED   = 1'b1,
    parameter int ACC_W      = X_SIGNED ? X_W : X_W + 1,  // holds every element and bound
    parameter logic [2*ACC_W+1:0] CLIP = '0,  // see hpq_cast
    parameter bit [2:0] CAST_REGISTERS = '0,  // see hpq_finish
    parameter int CAST_SHIFT = 0,          // fraction bits of the input minus the output's
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
    input  logic [LANES*X_W-1:0] in_data,
    input  logic                 in_valid,
    output logic                 in_ready,
    output logic [LANES*Y_W-1:0] out_data,
    output logic                 out_valid,
    input  logic                 out_ready
);

  // Nothing stands still: what is taken is out so many cycles later, where there is a place for it.
  assign out_valid = in_valid;
  assign in_ready  = out_ready;

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
      .beat  (in_valid && out_ready),
      .slopes(slopes)
  );

  for (genvar l = 0; l < LANES; l++) begin : lane
    logic signed [ACC_W-1:0]  x;
    logic        [Y_W-1:0] result;
    assign x = X_SIGNED ? ACC_W'($signed(in_data[l*X_W+:X_W])) : ACC_W'(in_data[l*X_W+:X_W]);
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
        .x    (x),
        .slope(slopes[l*SLOPE_W+:SLOPE_W]),
        .y    (result)
    );
    always_ff @(posedge clk) begin
      out_data[l*Y_W+:Y_W] <= result;
    end
  end

endmodule
