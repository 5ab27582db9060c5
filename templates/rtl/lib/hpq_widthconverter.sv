// Regroups elements into beats of another size: into larger ones, whose size that of the input divides, or each into
// the fewest smaller ones, the last filled up with zeros. The smaller side runs at one beat per cycle.
//
// The register of a wide beat is made of slices of SLICE bits (the last has what is left), each with a counter of its
// own, from which its enable comes, so that none drives more than a slice. The counters are equal, and yet not to
// become one: see hpq_fifo.
module hpq_widthconverter #(
    parameter int WIDTH     = 8,
    parameter int IN_LANES  = 1,
    parameter int OUT_LANES = 2,
    parameter int SLICE     = 1 << 30
) (
    input  logic                       clk,
    input  logic                       rst,
    input  logic [IN_LANES*WIDTH-1:0]  in_data,
    input  logic                       in_valid,
    output logic                       in_ready,
    output logic [OUT_LANES*WIDTH-1:0] out_data,
    output logic                       out_valid,
    input  logic                       out_ready
);

  localparam int IN_W    = IN_LANES * WIDTH;
  localparam int OUT_W   = OUT_LANES * WIDTH;
  localparam int RATIO   = (IN_LANES > OUT_LANES) ? (IN_LANES + OUT_LANES - 1) / OUT_LANES : OUT_LANES / IN_LANES;
  localparam int WIDE    = (IN_LANES > OUT_LANES) ? RATIO * OUT_W : OUT_W;
  localparam int COUNT_W = $clog2(RATIO + 1);
  localparam int SLICES  = (WIDE + SLICE - 1) / SLICE;

  logic [WIDE-1:0]   held, shifted;
  logic [SLICES-1:0] ready, valid;
  assign in_ready  = ready[0];
  assign out_valid = valid[0];

  if (IN_LANES > OUT_LANES) begin : narrow
    // One wide beat is held and shifted out, its lowest elements first.
    logic [WIDE-1:0] given;
    assign given    = WIDE'(in_data);
    assign out_data = held[OUT_W-1:0];
    assign shifted  = held >> OUT_W;
    for (genvar s = 0; s < SLICES; s++) begin : slice
      localparam int FROM = s * SLICE;
      localparam int BITS = (WIDE - FROM < SLICE) ? WIDE - FROM : SLICE;
      logic push;
      (* dont_touch = "true" *) logic [COUNT_W-1:0] left;  // narrow beats that are still to go
      assign valid[s] = left != '0;
      assign ready[s] = !valid[s] || (left == COUNT_W'(1) && out_ready);
      assign push     = in_valid && ready[s];
      always_ff @(posedge clk) begin
        if (rst) left <= '0;
        else if (push) left <= COUNT_W'(RATIO);
        else if (valid[s] && out_ready) left <= left - 1'b1;
      end
      always_ff @(posedge clk) begin
        if (push) held[FROM+:BITS] <= given[FROM+:BITS];
        else if (out_ready) held[FROM+:BITS] <= shifted[FROM+:BITS];
      end
    end
  end else begin : widen
    // Beats are shifted in from the top until the wide one is complete.
    assign out_data = held;
    if (RATIO > 1) begin : collect
      assign shifted = {in_data, held[WIDE-1:IN_W]};
    end else begin : copy
      assign shifted = in_data;
    end
    for (genvar s = 0; s < SLICES; s++) begin : slice
      localparam int FROM = s * SLICE;
      localparam int BITS = (WIDE - FROM < SLICE) ? WIDE - FROM : SLICE;
      logic push;
      (* dont_touch = "true" *) logic [COUNT_W-1:0] filled;
      assign valid[s] = filled == COUNT_W'(RATIO);
      assign ready[s] = !valid[s] || out_ready;
      assign push     = in_valid && ready[s];
      always_ff @(posedge clk) begin
        if (rst) filled <= '0;
        else if (valid[s] && out_ready) filled <= COUNT_W'(push);
        else if (push) filled <= filled + 1'b1;
      end
      always_ff @(posedge clk) begin
        if (push) held[FROM+:BITS] <= shifted[FROM+:BITS];
      end
    end
  end

endmodule
