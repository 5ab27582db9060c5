// Delay line: while x is the word of some enabled cycle, y is the word DEPTH enabled cycles earlier.
//
// Short lines are shift registers (SRLs), long ones a circular buffer in RAM of style STYLE ("block"
// or "distributed"). The contents are never reset: the first DEPTH words out are undefined.
//
// Each SLICE bits (the last have what is left) have an enable of their own; all are always equal.
module hpq_delay #(
    parameter int WIDTH = 8,
    parameter int DEPTH = 1,
    parameter     STYLE = "block",
    parameter int SLICE = WIDTH
) (
    input  logic                               clk,
    input  logic                               rst,
    input  logic [(WIDTH+SLICE-1)/SLICE - 1:0] en,
    input  logic [                  WIDTH-1:0] x,
    output logic [                  WIDTH-1:0] y
);

  localparam int SRL_DEPTH = 32;  // what one LUT of a 7-series or later device holds

  for (genvar s = 0; s * SLICE < WIDTH; s++) begin : slice
    localparam int FROM = s * SLICE;
    localparam int BITS = (WIDTH - FROM < SLICE) ? WIDTH - FROM : SLICE;
    if (DEPTH <= SRL_DEPTH) begin : shift
      logic [DEPTH*BITS-1:0] stages;
      logic                  unused_rst;
      assign unused_rst      = rst;
      assign y[FROM+:BITS] = stages[(DEPTH-1)*BITS+:BITS];
      always_ff @(posedge clk) begin
        if (en[s]) stages <= (DEPTH * BITS)'({stages, x[FROM+:BITS]});
      end
    end else begin : circular
      // The RAM gives DEPTH - 1 cycles, its output register one more.
      localparam int PTR_W = $clog2(DEPTH - 1);
      logic [PTR_W-1:0] ptr;
      always_ff @(posedge clk) begin
        if (rst) ptr <= '0;
        else if (en[s]) ptr <= (ptr == PTR_W'(DEPTH - 2)) ? '0 : ptr + 1'b1;
      end
      hpq_ram #(
          .WIDTH (BITS),
          .DEPTH (DEPTH - 1),
          .ADDR_W(PTR_W),
          .STYLE (STYLE)
      ) ram (
          .clk       (clk),
          .write_en  (en[s]),
          .write_addr(ptr),
          .write_data(x[FROM+:BITS]),
          .read_en   (en[s]),
          .read_addr (ptr),
          .read_data (y[FROM+:BITS])
      );
    end
  end

endmodule
