// The same frame for each frame that comes: STEPS steps, one a cycle. In the first ones the beats of the inputs are
// taken, those of input i before step ENDS[i], one input after the other, and dropped. In the first BEATS ones the words of
// the file leave, over and over, or WORD where there is only one. A step waits for the beat that it takes, and for a
// place for the one that leaves.
//
// WORDS, a power of two: the lowest bits of a step say which word it is.
module hpq_constant #(
    parameter int INPUTS = 1,
    parameter int GIVEN  = 8,  // bits of a beat of all inputs
    parameter int STEPS  = 2,
    parameter int STEP_W = 1,
    parameter int BEATS  = 2,
    parameter int WORDS  = 2,
    parameter int WIDTH  = 8,  // of a beat that leaves
    parameter logic [INPUTS*32-1:0] ENDS = '0,
    parameter logic [    WIDTH-1:0] WORD = '0,
    parameter     FILE   = "",
    parameter     STYLE  = "distributed"
) (
    input  logic              clk,
    input  logic              rst,
    input  logic [ GIVEN-1:0] in_data,
    input  logic [INPUTS-1:0] in_valid,
    output logic [INPUTS-1:0] in_ready,
    output logic [ WIDTH-1:0] out_data,
    output logic              out_valid,
    input  logic              out_ready
);

  logic [STEP_W-1:0] step, next;
  logic [INPUTS-1:0] takes;
  logic              leaves, there, room;
  assign leaves    = int'(step) < BEATS;
  assign room      = !leaves || out_ready;
  assign there     = (takes & ~in_valid) == '0;
  assign out_valid = leaves && there;
  for (genvar i = 0; i < INPUTS; i++) begin : from
    localparam int END = ENDS[i*32+:32];
    if (i == 0) begin : first
      assign takes[i] = int'(step) < END;
    end else begin : behind
      assign takes[i] = int'(step) >= int'(ENDS[(i-1)*32+:32]) && int'(step) < END;
    end
    assign in_ready[i] = room && takes[i];
  end

  always_comb begin
    next = step;
    if (rst) next = '0;
    else if (room && there) next = (step == STEP_W'(STEPS - 1)) ? '0 : step + 1'b1;
  end
  always_ff @(posedge clk) step <= next;

  if (WORDS > 1) begin : several
    hpq_rom #(
        .WIDTH (WIDTH),
        .DEPTH (WORDS),
        .ADDR_W($clog2(WORDS)),
        .FILE  (FILE),
        .STYLE (STYLE)
    ) table_of_words (
        .clk (clk),
        .addr(next[$clog2(WORDS)-1:0]),
        .data(out_data)
    );
  end else begin : one
    assign out_data = WORD;
  end

  // What comes is dropped.
  logic unused;
  assign unused = ^in_data;

endmodule
