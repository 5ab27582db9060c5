// Sum of N signed terms, modulo 2**OUT_W, as a tree of adders with a register after every EVERY levels and after
// the last one: latency ceil(ceil(log2 N) / EVERY), 0 for a single term.
//
// A tree may be the end of one that other adders begin: DONE levels are counted before its first, and the beginning
// of one, which has a register after its last level only where that is due (LAST is 0).
//
// Behind its second level something may stand that takes as much time as GAP levels, so that a tree of more than these
// has the latency ceil((ceil(log2 N) + GAP) / EVERY).
//
// Terms whose bit of NEGATIVE is set are subtracted. A sum of nothing else is their sum, and is subtracted in its turn;
// where all are, so that nothing is there to subtract from, the result is negative: SUM is minus the sum then.
`ifdef YOSYS
// Yosys would join the sums of all levels between two registers, at a third more LUTs than two-operand sums take; a zero
// below keeps those from the third level on apart. Adders of the first two may be in DSP blocks.
`define HPQ_LEVEL(LEFT, SIGN, RIGHT) \
  (DONE + l > 2 ? W'(({LEFT, 1'b0} SIGN {RIGHT, 1'b0}) >> 1) : W'(LEFT SIGN RIGHT))
`else
`define HPQ_LEVEL(LEFT, SIGN, RIGHT) LEFT SIGN RIGHT
`endif
module hpq_addtree #(
    parameter int N     = 2,
    parameter int IN_W  = 8,
    parameter int OUT_W = 9,
    parameter int EVERY = 2,
    parameter int DONE  = 0,
    parameter int GAP   = 0,
    parameter bit LAST  = 1'b1,
    parameter logic [N-1:0] NEGATIVE = '0
) (
    input  logic                    clk,
    input  logic [N*IN_W-1:0]       terms,
    output logic signed [OUT_W-1:0] sum
);

  localparam int LEVELS = $clog2(N);

  // Whether term I of level L is subtracted.
  function automatic bit minus(input int l, input int i);
    minus = 1'b1;
    for (int t = i << l; t < N && t < (i + 1) << l; t++) begin
      if (!NEGATIVE[t]) minus = 1'b0;
    end
  endfunction

  // Levels up to level l, and what stands behind it.
  function automatic int place(input int l);
    place = DONE + l + (DONE + l >= 2 ? GAP : 0);
  endfunction

  // Level l has ceil(N / 2**l) terms, each one bit wider than those of the level before.
  for (genvar l = 0; l <= LEVELS; l++) begin : level
    localparam int COUNT = (N + (1 << l) - 1) >> l;
    localparam int W     = (IN_W + l < OUT_W) ? IN_W + l : OUT_W;
    logic [COUNT*W-1:0] term;
    if (l == 0) begin : leaves
      for (genvar i = 0; i < COUNT; i++) begin : leaf
        assign term[i*W+:W] = W'($signed(terms[i*IN_W+:IN_W]));
      end
    end else begin : adders
      localparam int BEFORE = (N + (1 << (l - 1)) - 1) >> (l - 1);
      localparam int PREV_W = (IN_W + l - 1 < OUT_W) ? IN_W + l - 1 : OUT_W;
      logic [COUNT*W-1:0] total;
      for (genvar i = 0; i < COUNT; i++) begin : adder
        logic signed [W-1:0] left, right;
        assign left = W'($signed(level[l-1].term[2*i*PREV_W+:PREV_W]));
        if (2 * i + 1 < BEFORE) begin : pair
          assign right = W'($signed(level[l-1].term[(2*i+1)*PREV_W+:PREV_W]));
        end else begin : odd
          assign right = '0;
        end
        if (2 * i + 1 >= BEFORE || minus(l - 1, 2 * i) == minus(l - 1, 2 * i + 1)) begin : plus
          assign total[i*W+:W] = `HPQ_LEVEL(left, +, right);
        end else if (minus(l - 1, 2 * i)) begin : reversed
          assign total[i*W+:W] = `HPQ_LEVEL(right, -, left);
        end else begin : difference
          assign total[i*W+:W] = `HPQ_LEVEL(left, -, right);
        end
      end
      if (place(l) / EVERY > place(l - 1) / EVERY || (LAST && l == LEVELS)) begin : registered
        always_ff @(posedge clk) begin
          term <= total;
        end
      end else begin : direct
        assign term = total;
      end
    end
  end

  assign sum = OUT_W'($signed(level[LEVELS].term));

  logic unused;  // where there is no register
  assign unused = clk;

endmodule
`undef HPQ_LEVEL
