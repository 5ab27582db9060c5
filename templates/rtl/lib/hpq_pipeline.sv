// Control of a pipeline of STAGES registers that accepts one beat per cycle.
//
// The datapath beside it advances whenever `en` is high. The pipeline stands still only while a beat
// at its end is not taken.
module hpq_pipeline #(
    parameter int STAGES = 1
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    output logic out_valid,
    input  logic out_ready,
    output logic en
);

  logic [STAGES-1:0] valid;
  assign out_valid = valid[STAGES-1];
  assign en        = !out_valid || out_ready;
  assign in_ready  = en;

  always_ff @(posedge clk) begin
    if (rst) valid <= '0;
    else if (en) valid <= STAGES'({valid, in_valid});
  end

endmodule
