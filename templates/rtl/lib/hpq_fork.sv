// Copies every beat to OUTPUTS consumers. Each takes it as soon as it can; the beat is gone when all
// have it.
module hpq_fork #(
    parameter int WIDTH   = 8,
    parameter int OUTPUTS = 2
) (
    input  logic               clk,
    input  logic               rst,
    input  logic [WIDTH-1:0]   in_data,
    input  logic               in_valid,
    output logic               in_ready,
    output logic [WIDTH-1:0]   out_data,
    output logic [OUTPUTS-1:0] out_valid,
    input  logic [OUTPUTS-1:0] out_ready
);

  logic [OUTPUTS-1:0] served;  // has the present beat already
  assign out_data  = in_data;
  assign out_valid = {OUTPUTS{in_valid}} & ~served;
  assign in_ready  = &(served | out_ready);

  always_ff @(posedge clk) begin
    if (rst) served <= '0;
    else if (in_valid) served <= in_ready ? '0 : served | out_ready;
  end

endmodule
