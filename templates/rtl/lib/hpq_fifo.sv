// First-in first-out buffer of DEPTH beats, one beat per cycle in and out, a beat out at the earliest one cycle after
// it is in.
//
// The data of a beat may come LATENCY cycles after its handshake: behind a unit that never stands still, and takes
// only what there is a place for here. Beats on their way count as inside. in_ready depends on registers only, so that
// a FIFO cuts the combinational path of the handshake; for full throughput DEPTH must be at least LATENCY + 2.
// STYLE chooses the memory: "shift" (SRLs), "distributed" (LUT RAM, read asynchronously) or "block" (block RAM).
//
// A wide FIFO is several side by side, of SLICE bits each (the last has what is left), that do the same in every
// cycle: each has pointers of its own, from which its enables and addresses come, so that none of these drives more
// than a slice. These are equal in all slices, and yet not to become one: `dont_touch` says that to Vivado, and Yosys
// joins no registers of which each depends on itself.
module hpq_fifo #(
    parameter int WIDTH   = 8,
    parameter int DEPTH   = 2,
    parameter     STYLE   = "shift",
    parameter int LATENCY = 0,
    parameter int SLICE   = WIDTH
) (
    input  logic             clk,
    input  logic             rst,
    input  logic [WIDTH-1:0] in_data,
    input  logic             in_valid,
    output logic             in_ready,
    output logic [WIDTH-1:0] out_data,
    output logic             out_valid,
    input  logic             out_ready
);

  localparam int ADDR_W  = (DEPTH > 1) ? $clog2(DEPTH) : 1;
  localparam int COUNT_W = $clog2(DEPTH + 1);
  localparam int SLICES  = (WIDTH + SLICE - 1) / SLICE;

  logic              ready, valid;  // what the ports say, but for the simulations at the end
  logic              coming;        // data comes in the next cycle, or now with LATENCY 0
  logic [SLICES-1:0] full, some;    // of data that is here
  assign valid = some[0];

  if (LATENCY == 0) begin : at_once
    assign ready  = !full[0];
    assign coming = in_valid;
  end else begin : later
    logic [COUNT_W-1:0] held;   // beats that went in and have not left
    logic [LATENCY-1:0] going;  // at i: a beat went in i cycles ago
    logic               take, pop, unused;
    assign unused   = &full;  // as long as beats on their way count
    assign ready    = held != COUNT_W'(DEPTH);
    assign take     = in_valid && in_ready;
    assign pop      = out_valid && out_ready;
    assign going[0] = take;
    assign coming   = going[LATENCY-1];
    for (genvar i = 1; i < LATENCY; i++) begin : stage
      always_ff @(posedge clk) going[i] <= going[i-1] && !rst;
    end
    always_ff @(posedge clk) begin
      if (rst) held <= '0;
      else if (take && !pop) held <= held + 1'b1;
      else if (pop && !take) held <= held - 1'b1;
    end
  end

  for (genvar s = 0; s < SLICES; s++) begin : slice
    localparam int FROM = s * SLICE;
    localparam int BITS = (WIDTH - FROM < SLICE) ? WIDTH - FROM : SLICE;
    logic push, pop;  // data comes, and leaves
    assign pop = some[s] && out_ready;
    if (LATENCY == 0) begin : at_once
      assign push = coming && !full[s];
    end else begin : later
      (* dont_touch = "true" *) logic comes;
      assign push = comes;
      (* keep *)  // for Yosys: it does not depend on itself
      always_ff @(posedge clk) comes <= coming && !rst;
    end

    if (88'(STYLE) == 88'("shift")) begin : shift
      // A shift register with the newest beat in stage 0, and the oldest in a stage that a register says.
      (* dont_touch = "true" *) logic [ADDR_W-1:0] oldest;
      (* dont_touch = "true" *) logic              any;
      assign some[s] = any;
      assign full[s] = oldest == ADDR_W'(DEPTH - 1);
      always_ff @(posedge clk) begin
        if (rst) begin
          oldest <= '0;
          any    <= 1'b0;
        end else if (push && !pop) begin
          oldest <= oldest + ADDR_W'(any);
          any    <= 1'b1;
        end else if (pop && !push) begin
          if (oldest == '0) any <= 1'b0;
          else oldest <= oldest - 1'b1;
        end
      end
      (* mem2reg *)  // for Yosys: registers, without a warning
      logic [BITS-1:0] words[0:DEPTH-1];
      always_ff @(posedge clk) begin
        if (push) begin
          words[0] <= in_data[FROM+:BITS];
          for (int d = 1; d < DEPTH; d++) words[d] <= words[d-1];
        end
      end
`ifdef YOSYS
      // The same bit by bit, which is how Yosys recognises an SRL. A simulator takes several times as long for it.
      for (genvar b = 0; b < BITS; b++) begin : line
        logic [DEPTH-1:0] stage;
        for (genvar d = 0; d < DEPTH; d++) begin : at
          assign stage[d] = words[d][b];
        end
        assign out_data[FROM+b] = stage[oldest];
      end
`else
      assign out_data[FROM+:BITS] = words[oldest];
`endif
    end else begin : memory
      localparam logic [ADDR_W-1:0] LAST = ADDR_W'(DEPTH - 1);
      (* dont_touch = "true" *) logic [COUNT_W-1:0] count;
      (* dont_touch = "true" *) logic [ ADDR_W-1:0] write_ptr, read_ptr;
      logic [ADDR_W-1:0] read_next;
      assign read_next = (read_ptr == LAST) ? '0 : read_ptr + 1'b1;
      assign some[s]   = count != '0;
      assign full[s]   = count == COUNT_W'(DEPTH);
      always_ff @(posedge clk) begin
        if (rst) count <= '0;
        else if (push && !pop) count <= count + 1'b1;
        else if (pop && !push) count <= count - 1'b1;
      end
      always_ff @(posedge clk) begin
        if (rst) begin
          write_ptr <= '0;
          read_ptr  <= '0;
        end else begin
          if (push) write_ptr <= (write_ptr == LAST) ? '0 : write_ptr + 1'b1;
          if (pop) read_ptr <= read_next;
        end
      end

      if (88'(STYLE) == 88'("distributed")) begin : distributed
        (* ram_style = "distributed" *) logic [BITS-1:0] ram[0:DEPTH-1];
        assign out_data[FROM+:BITS] = ram[read_ptr];
        always_ff @(posedge clk) begin
          if (push) ram[write_ptr] <= in_data[FROM+:BITS];
        end
      end else begin : block
        // The word at the next read address is always fetched one cycle ahead. A beat that goes into
        // an empty FIFO would come too late for that; it takes the bypass.
        logic [  BITS-1:0] fetched, bypass;
        logic              bypassed;
        logic [ADDR_W-1:0] fetch_ptr;
        assign fetch_ptr = pop ? read_next : read_ptr;
        assign out_data[FROM+:BITS] = bypassed ? bypass : fetched;
        hpq_ram #(
            .WIDTH (BITS),
            .DEPTH (DEPTH),
            .ADDR_W(ADDR_W),
            .STYLE ("block")
        ) ram (
            .clk       (clk),
            .write_en  (push),
            .write_addr(write_ptr),
            .write_data(in_data[FROM+:BITS]),
            .read_en   (1'b1),
            .read_addr (fetch_ptr),
            .read_data (fetched)
        );
        always_ff @(posedge clk) begin
          bypass   <= in_data[FROM+:BITS];
          bypassed <= push && (write_ptr == fetch_ptr);
        end
      end
    end
  end

`ifdef HPQ_FIFO_PROBE
  // Simulation only: the smallest depth that would have made no difference so far. With +hpq_roomy_fifos there is
  // always room: beats are counted as ever, and what data they have is not kept.
  logic [31:0] max_fill  /* verilator public_flat_rd */, fill;
  logic        roomy, push, pop;
  initial roomy = $test$plusargs("hpq_roomy_fifos") != 0;
  assign in_ready  = roomy || ready;
  assign out_valid = roomy ? fill != '0 : valid;
  assign pop       = out_valid && out_ready;
  if (LATENCY == 0) begin : probe_at_once
    assign push = coming && in_ready;
  end else begin : probe_later
    assign push = slice[0].later.comes;
  end
  always_ff @(posedge clk) begin
    if (rst) begin
      max_fill <= '0;
      fill     <= '0;
    end else begin
      fill <= fill + 32'(push) - 32'(pop);
      if (push && fill >= max_fill) max_fill <= fill + 1;
    end
  end
`else
  assign in_ready  = ready;
  assign out_valid = valid;
`endif

endmodule
