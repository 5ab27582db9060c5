// Beats of several streams, and zeros, one after another in one stream, as a table of RUNS runs says over and
// over: whether the beats of a run leave or are dropped, the input they are taken from (INPUTS: zeros), and how
// many they are, less one; from the highest bits to the lowest. One beat per cycle through one register.
//
// Zeros in front of the first beat of input 0 wait until there is one.
module hpq_splice #(
    parameter int INPUTS     = 2,
    parameter int WIDTH      = 8,  // of a beat
    parameter int RUNS       = 2,
    parameter int SOURCE_W   = 2,
    parameter int COUNT_W    = 1,
    parameter     RUNS_FILE  = "",
    parameter     RUNS_STYLE = "distributed"
) (
    input  logic                    clk,
    input  logic                    rst,
    input  logic [INPUTS*WIDTH-1:0] in_data,
    input  logic [      INPUTS-1:0] in_valid,
    output logic [      INPUTS-1:0] in_ready,
    output logic [       WIDTH-1:0] out_data,
    output logic                    out_valid,
    input  logic                    out_ready
);

  localparam int RUN_W = (RUNS > 1) ? $clog2(RUNS) : 1;

  logic [            RUN_W-1:0] run, next;
  logic [          COUNT_W-1:0] count, length;
  logic [         SOURCE_W-1:0] source;
  logic [SOURCE_W+COUNT_W+1-1:0] entry;
  logic                         leaves, end_of_run, end_of_all, step, put, started, there;
  assign {leaves, source, length} = entry;
  assign end_of_run = step && count == length;
  assign end_of_all = end_of_run && run == RUN_W'(RUNS - 1);
  assign next       = (rst || end_of_all) ? '0 : end_of_run ? run + 1'b1 : run;

  hpq_rom #(
      .WIDTH (SOURCE_W + COUNT_W + 1),
      .DEPTH (RUNS),
      .ADDR_W(RUN_W),
      .FILE  (RUNS_FILE),
      .STYLE (RUNS_STYLE)
  ) table_of_runs (
      .clk (clk),
      .addr(next),
      .data(entry)
  );

  logic [WIDTH-1:0] beat;
  always_comb begin
    there = started || in_valid[0];  // for zeros
    beat  = '0;
    put   = 1'b1;
    for (int i = 0; i < INPUTS; i++) begin
      // No choice between this and zeros: a tool would make a reset of that, which no shift register behind has.
      beat |= in_data[i*WIDTH+:WIDTH] & {WIDTH{source == SOURCE_W'(i)}};
      if (source == SOURCE_W'(i)) begin
        there = in_valid[i];
        put   = 1'b0;
      end
    end
  end

  logic room;
  assign room      = !leaves || out_ready;
  assign out_valid = leaves && there;
  assign out_data  = beat;
  assign step      = room && there;
  for (genvar i = 0; i < INPUTS; i++) begin : from
    assign in_ready[i] = room && source == SOURCE_W'(i);
  end

  always_ff @(posedge clk) begin
    run <= next;
    if (rst || end_of_run) count <= '0;
    else if (step) count <= count + 1'b1;
    if (rst || end_of_all) started <= 1'b0;
    else if (step && !put) started <= 1'b1;
  end

endmodule
