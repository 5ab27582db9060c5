// Largest tap of each window, channel by channel, one beat per cycle; of a single tap, through one register.
// Element (p * TAPS + t) * LANES + l goes in, element p * LANES + l comes out.
module hpq_maxpool #(
    parameter int POSITIONS = 1,
    parameter int TAPS      = 4,
    parameter int LANES     = 1,
    parameter int WIDTH     = 8,
    parameter bit IS_SIGNED = 1'b1,
    parameter int EVERY     = 2      // levels of comparators between registers
) (
    input  logic                                  clk,
    input  logic                                  rst,
    input  logic [POSITIONS*TAPS*LANES*WIDTH-1:0] in_data,
    input  logic                                  in_valid,
    output logic                                  in_ready,
    output logic [POSITIONS*LANES*WIDTH-1:0]      out_data,
    output logic                                  out_valid,
    input  logic                                  out_ready
);

  // Nothing stands still: what is taken is out so many cycles later, where there is a place for it.
  assign out_valid = in_valid;
  assign in_ready  = out_ready;

  for (genvar p = 0; p < POSITIONS; p++) begin : position
    for (genvar l = 0; l < LANES; l++) begin : lane
      logic [TAPS*WIDTH-1:0] values;
      logic [WIDTH-1:0]      largest;
      for (genvar t = 0; t < TAPS; t++) begin : tap
        assign values[t*WIDTH+:WIDTH] = in_data[((p*TAPS+t)*LANES+l)*WIDTH+:WIDTH];
      end
      hpq_maxtree #(
          .N        (TAPS),
          .WIDTH    (WIDTH),
          .IS_SIGNED(IS_SIGNED),
          .EVERY    (EVERY)
      ) tree (
          .clk    (clk),
          .values (values),
          .largest(largest)
      );
      hpq_registers #(
          .WIDTH(WIDTH),
          .COUNT(TAPS == 1 ? 1 : 0)
      ) alone (
          .clk(clk),
          .x  (largest),
          .y  (out_data[(p*LANES+l)*WIDTH+:WIDTH])
      );
    end
  end

  logic unused_rst;
  assign unused_rst = rst;

endmodule
