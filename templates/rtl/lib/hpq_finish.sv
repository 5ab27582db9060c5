// The end of a layer: an exact sum in a range (hpq_cast), or times a slope where it is negative, and one cast;
// combinational but for the registers that REGISTERS asks for: behind the choice of the slope (bit 0), behind the
// range (1), and behind the rounding (2).
//
// With slopes, what is cast is x * slope where x is negative and x * 2**SLOPE_SHIFT elsewhere; both have
// SLOPE_SHIFT fraction bits more than x, and fit LEAKY_W bits. There is no CLIP then.
module hpq_finish #(
    parameter int IN_W        = 16,
    parameter int SHIFT       = 0,           // fraction bits of x minus y's
    parameter int OUT_W       = 8,
    parameter bit OUT_SIGNED  = 1'b1,
    parameter logic [2*IN_W+1:0] CLIP = '0,  // see hpq_cast
    parameter     ROUNDING    = "AP_TRN",
    parameter     OVERFLOW    = "AP_WRAP",
    parameter bit HALF_ADDED  = 1'b0,        // see hpq_cast; without slopes
    parameter int LEAKY_W     = 0,           // 0: no slopes
    parameter int SLOPE_W     = 1,
    parameter int SLOPE_SHIFT = 0,
    parameter bit IN_LUTS     = 1'b0,        // the product in LUTs, not in DSP blocks
    parameter bit [2:0] REGISTERS = '0
) (
    input  logic                      clk,       // without registers it may be any constant
    input  logic signed [IN_W-1:0]    x,
    input  logic signed [SLOPE_W-1:0] slope,
    output logic        [OUT_W-1:0]   y
);

  if (LEAKY_W == 0) begin : ranged
    logic unused;
    assign unused = &slope;
    hpq_cast #(
        .IN_W      (IN_W),
        .SHIFT     (SHIFT),
        .OUT_W     (OUT_W),
        .OUT_SIGNED(OUT_SIGNED),
        .CLIP      (CLIP),
        .ROUNDING  (ROUNDING),
        .OVERFLOW  (OVERFLOW),
        .HALF_ADDED(HALF_ADDED),
        .REGISTERS (REGISTERS[2:1])
    ) cast (
        .clk(clk),
        .x  (x),
        .y  (y)
    );
  end else begin : leaky
    logic signed [LEAKY_W-1:0] wide, product, result, result_late;
    assign wide = LEAKY_W'(x);
    if (IN_LUTS) begin : in_luts
      for (genvar b = 0; b < SLOPE_W; b++) begin : digit
        logic signed [LEAKY_W-1:0] so_far, total, term;
        assign term = slope[b] ? wide <<< b : '0;
        if (b == 0) begin : first
          assign so_far = '0;
        end else begin : further
          assign so_far = digit[b-1].total;
        end
        assign total = (b == SLOPE_W - 1) ? so_far - term : so_far + term;
      end
      assign product = digit[SLOPE_W-1].total;
      assign result  = x[IN_W-1] ? product : wide <<< SLOPE_SHIFT;
    end else begin : number
      // Zero where it is not needed, and joined by a mere or: the bits below x's then need no LUT. And an operand
      // that comes straight out of a register which others read too is packed into the pre-adder of a DSP block by
      // Yosys 0.70, which then drops the block and all behind it.
      logic signed [IN_W-1:0] below;
      assign below   = x[IN_W-1] ? x : '0;
      assign product = LEAKY_W'(below) * LEAKY_W'(slope);
      assign result  = product | (x[IN_W-1] ? '0 : wide <<< SLOPE_SHIFT);
    end
    hpq_registers #(
        .WIDTH(LEAKY_W),
        .COUNT(int'(REGISTERS[0]))
    ) behind_slope (
        .clk(clk),
        .x  (result),
        .y  (result_late)
    );
    hpq_cast #(
        .IN_W      (LEAKY_W),
        .SHIFT     (SHIFT + SLOPE_SHIFT),
        .OUT_W     (OUT_W),
        .OUT_SIGNED(OUT_SIGNED),
        .ROUNDING  (ROUNDING),
        .OVERFLOW  (OVERFLOW),
        .REGISTERS (REGISTERS[2:1])
    ) cast (
        .clk(clk),
        .x  (result_late),
        .y  (y)
    );
  end

endmodule
