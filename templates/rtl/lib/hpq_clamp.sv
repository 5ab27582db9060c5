// Brings every element of a stream into a range; one beat per cycle, one register. The bounds are signed
// numbers of one bit more than an element.
module hpq_clamp #(
    parameter int LANES    = 1,
    parameter int X_W      = 8,
    parameter bit X_SIGNED = 1'b1,
    parameter bit HAS_LOW  = 1'b0,
    parameter logic [X_W:0] LOW = '0,
    parameter bit HAS_HIGH = 1'b0,
    parameter logic [X_W:0] HIGH = '0,
    parameter int Y_W      = 8
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

  logic en;
  hpq_pipeline #(
      .STAGES(1)
  ) control (
      .clk      (clk),
      .rst      (rst),
      .in_valid (in_valid),
      .in_ready (in_ready),
      .out_valid(out_valid),
      .out_ready(out_ready),
      .en       (en)
  );

  localparam int W = (X_W + 1 > Y_W) ? X_W + 1 : Y_W;

  for (genvar l = 0; l < LANES; l++) begin : lane
    logic signed [X_W:0] x, result;
    assign x = X_SIGNED ? (X_W + 1)'($signed(in_data[l*X_W+:X_W])) : (X_W + 1)'(in_data[l*X_W+:X_W]);
    always_comb begin
      result = x;
      if (HAS_LOW && x < $signed(LOW)) result = LOW;
      if (HAS_HIGH && x > $signed(HIGH)) result = HIGH;
    end
    always_ff @(posedge clk) begin
      if (en) out_data[l*Y_W+:Y_W] <= Y_W'(W'(result));
    end
  end

endmodule
