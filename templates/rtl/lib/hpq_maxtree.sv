// Largest of N numbers, as a tree of comparators with a register after every EVERY levels and after the last one:
// latency ceil(ceil(log2 N) / EVERY), 0 for a single number.
module hpq_maxtree #(
    parameter int N         = 2,
    parameter int WIDTH     = 8,
    parameter bit IS_SIGNED = 1'b1,
    parameter int EVERY     = 2
) (
    input  logic               clk,
    input  logic [N*WIDTH-1:0] values,
    output logic [WIDTH-1:0]   largest
);

  localparam int LEVELS = $clog2(N);

  for (genvar l = 0; l <= LEVELS; l++) begin : level
    localparam int COUNT = (N + (1 << l) - 1) >> l;
    logic [COUNT*WIDTH-1:0] value;
    if (l == 0) begin : leaves
      assign value = values;
    end else begin : comparators
      localparam int BEFORE = (N + (1 << (l - 1)) - 1) >> (l - 1);
      logic [COUNT*WIDTH-1:0] winner;
      for (genvar i = 0; i < COUNT; i++) begin : comparator
        logic [WIDTH-1:0] left;
        assign left = level[l-1].value[2*i*WIDTH+:WIDTH];
        if (2 * i + 1 < BEFORE) begin : pair
          logic [WIDTH-1:0] right;
          logic             greater;
          assign right   = level[l-1].value[(2*i+1)*WIDTH+:WIDTH];
          assign greater = IS_SIGNED ? $signed(left) > $signed(right) : left > right;
          assign winner[i*WIDTH+:WIDTH] = greater ? left : right;
        end else begin : odd
          assign winner[i*WIDTH+:WIDTH] = left;
        end
      end
      if (l % EVERY == 0 || l == LEVELS) begin : registered
        always_ff @(posedge clk) begin
          value <= winner;
        end
      end else begin : direct
        assign value = winner;
      end
    end
  end

  assign largest = level[LEVELS].value;

  if (LEVELS == 0) begin : combinational
    logic unused;
    assign unused = clk;
  end

endmodule
