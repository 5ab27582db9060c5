// Squared difference of two streams, element by element, then one cast; one beat per cycle.
//
// The pipeline: difference | square | cast.
module hpq_squareddifference #(
    parameter int LANES      = 1,
    parameter int A_W        = 8,
    parameter bit A_SIGNED   = 1'b1,
    parameter int A_SHIFT    = 0,          // zeros appended to align the two
    parameter int B_W        = 8,
    parameter bit B_SIGNED   = 1'b1,
    parameter int B_SHIFT    = 0,
    parameter int D_W        = 9,          // bits of the difference
    parameter int ACC_W      = 18,         // bits of the square
    parameter logic [2*ACC_W+1:0] CLIP = '0,  // see hpq_cast
    parameter int CAST_SHIFT = 0,          // fraction bits of the square minus the output's
    parameter int Y_W        = 8,
    parameter bit Y_SIGNED   = 1'b1,
    parameter     ROUNDING   = "AP_TRN",
    parameter     OVERFLOW   = "AP_WRAP"
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

  // Nothing stands still: what is taken is out three cycles later, where there is a place for it.
  assign out_valid = a_valid && b_valid;
  assign a_ready   = out_ready && b_valid;
  assign b_ready   = out_ready && a_valid;
  logic unused_rst;
  assign unused_rst = rst;

  for (genvar l = 0; l < LANES; l++) begin : lane
    logic signed [D_W-1:0]   a, b, difference;
    logic signed [ACC_W-1:0] square;
    logic        [Y_W-1:0]   result;
    assign a = A_SIGNED ? D_W'($signed(a_data[l*A_W+:A_W])) : D_W'(a_data[l*A_W+:A_W]);
    assign b = B_SIGNED ? D_W'($signed(b_data[l*B_W+:B_W])) : D_W'(b_data[l*B_W+:B_W]);
    hpq_cast #(
        .IN_W      (ACC_W),
        .SHIFT     (CAST_SHIFT),
        .OUT_W     (Y_W),
        .OUT_SIGNED(Y_SIGNED),
        .CLIP      (CLIP),
        .ROUNDING  (ROUNDING),
        .OVERFLOW  (OVERFLOW)
    ) cast (
        .clk(clk),
        .x  (square),
        .y  (result)
    );
    always_ff @(posedge clk) begin
      difference           <= (a <<< A_SHIFT) - (b <<< B_SHIFT);
      square               <= difference * difference;
      out_data[l*Y_W+:Y_W] <= result;
    end
  end

endmodule
