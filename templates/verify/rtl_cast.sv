// Stands for hpq_cast in the bench: the cast of the project, or bits of what is cast; beside it the same cast of a
// number that the bench gives.
module hpq_cast #(
    parameter int IN_W       = 16,
    parameter int SHIFT      = 0,
    parameter int OUT_W      = 8,
    parameter bit OUT_SIGNED = 1'b1,
    parameter logic [2*IN_W+1:0] CLIP = '0,
    parameter     ROUNDING   = "AP_TRN",
    parameter     OVERFLOW   = "AP_WRAP",
    parameter bit HALF_ADDED = 1'b0,
    parameter bit [1:0] REGISTERS = '0
) (
    input  logic                    clk,
    input  logic signed [IN_W-1:0]  x,
    output logic        [OUT_W-1:0] y
);

  import "DPI-C" function int hpq_cast_new(input string parameters, input int in_w, input int half,
                                            input int shift, input int out_w);
  import "DPI-C" function void hpq_cast_made(input int number, input longint unsigned y);

  logic [OUT_W-1:0] written;
  hpq_cast_as_written #(
      .IN_W      (IN_W),
      .SHIFT     (SHIFT),
      .OUT_W     (OUT_W),
      .OUT_SIGNED(OUT_SIGNED),
      .CLIP      (CLIP),
      .ROUNDING  (ROUNDING),
      .OVERFLOW  (OVERFLOW),
      .HALF_ADDED(HALF_ADDED),
      .REGISTERS (REGISTERS)
  ) cast (
      .clk(clk),
      .x  (x),
      .y  (written)
  );

  // What is cast is the number without the half that may be in it already.
  localparam int E_W  = IN_W + 1;
  localparam int WIDE = (E_W > OUT_W) ? E_W : OUT_W;
  localparam logic signed [E_W-1:0] HALF = HALF_ADDED ? E_W'(1) << (SHIFT - 1) : '0;
  logic signed [E_W-1:0] exact;  // as late as the cast
  hpq_registers #(
      .WIDTH(E_W),
      .COUNT(int'(REGISTERS[0]) + int'(REGISTERS[1]))
  ) late (
      .clk(clk),
      .x  (E_W'(x) - HALF),
      .y  (exact)
  );
  assign y = bench.looks ? OUT_W'(WIDE'(exact) >>> bench.from) : written;

  int number;
  initial begin
    number = hpq_cast_new(
        $sformatf("%0d %0d %0d %0d %h %s %s %0d", IN_W, SHIFT, OUT_W, OUT_SIGNED, CLIP, ROUNDING, OVERFLOW,
                  HALF_ADDED),
        IN_W, int'(HALF_ADDED), SHIFT, OUT_W);
  end

  logic signed [  E_W-1:0] given;
  logic        [OUT_W-1:0] made;
  always_ff @(posedge bench.probe) begin
    if (number >= 0) given <= E_W'($signed(bench.number)) + HALF;
  end
  hpq_cast_as_written #(
      .IN_W      (IN_W),
      .SHIFT     (SHIFT),
      .OUT_W     (OUT_W),
      .OUT_SIGNED(OUT_SIGNED),
      .CLIP      (CLIP),
      .ROUNDING  (ROUNDING),
      .OVERFLOW  (OVERFLOW),
      .HALF_ADDED(HALF_ADDED)
  ) alone (
      .clk(1'b0),
      .x  (IN_W'(given)),
      .y  (made)
  );
  always_ff @(negedge bench.probe) begin
    if (number >= 0) hpq_cast_made(number, 64'(made));
  end

endmodule
