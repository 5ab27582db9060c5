// First-in first-out buffer of DEPTH beats, one beat per cycle in and out, a beat out at the earliest one cycle after
// it is in.
//
// The data of a beat may come LATENCY cycles after its handshake: behind a unit that never stands still, and takes
// only what there is a place for here. Beats on their way count as inside. in_ready depends on registers only, so that
// a FIFO cuts the combinational path of the handshake; for full throughput DEPTH must be at least LATENCY + 2.
// STYLE chooses the memory: "shift" (SRLs), "distributed" (LUT RAM, read asynchronously) or "block" (block RAM).
module hpq_fifo #(
    parameter int WIDTH   = 8,
    parameter int DEPTH   = 2,
    parameter     STYLE   = "shift",
    parameter int LATENCY = 0
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

  logic push, pop;  // data comes, and leaves
  logic full;       // of data that is here
  assign pop = out_valid && out_ready;

  if (LATENCY == 0) begin : at_once
    assign in_ready = !full;
    assign push     = in_valid && in_ready;
  end else begin : later
    logic [LATENCY-1:0] coming;
    logic [COUNT_W-1:0] held;  // beats that went in and have not left
    logic               take, unused;
    assign unused   = full;  // as long as beats on their way count
    assign in_ready = held != COUNT_W'(DEPTH);
    assign take     = in_valid && in_ready;
    assign push     = coming[LATENCY-1];
    always_ff @(posedge clk) begin
      if (rst) coming <= '0;
      else coming <= LATENCY'({coming, take});
    end
    always_ff @(posedge clk) begin
      if (rst) held <= '0;
      else if (take && !pop) held <= held + 1'b1;
      else if (pop && !take) held <= held - 1'b1;
    end
  end

  if (88'(STYLE) == 88'("shift")) begin : shift
    // A shift register with the newest beat in stage 0, and the oldest in a stage that a register says. One per
    // bit: that is how Yosys recognises an SRL.
    logic [ADDR_W-1:0] oldest;
    logic              some;
    assign out_valid = some;
    assign full      = oldest == ADDR_W'(DEPTH - 1);
    always_ff @(posedge clk) begin
      if (rst) begin
        oldest <= '0;
        some   <= 1'b0;
      end else if (push && !pop) begin
        oldest <= oldest + ADDR_W'(some);
        some   <= 1'b1;
      end else if (pop && !push) begin
        if (oldest == '0) some <= 1'b0;
        else oldest <= oldest - 1'b1;
      end
    end
    for (genvar b = 0; b < WIDTH; b++) begin : line
      logic [DEPTH-1:0] stage;
      assign out_data[b] = stage[oldest];
      always_ff @(posedge clk) begin
        if (push) stage <= DEPTH'({stage, in_data[b]});
      end
    end
  end else begin : memory
    localparam logic [ADDR_W-1:0] LAST = ADDR_W'(DEPTH - 1);
    logic [COUNT_W-1:0] count;
    logic [ ADDR_W-1:0] write_ptr, read_ptr, read_next;
    assign read_next = (read_ptr == LAST) ? '0 : read_ptr + 1'b1;
    assign out_valid = count != '0;
    assign full      = count == COUNT_W'(DEPTH);
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
      (* ram_style = "distributed" *) logic [WIDTH-1:0] ram[0:DEPTH-1];
      assign out_data = ram[read_ptr];
      always_ff @(posedge clk) begin
        if (push) ram[write_ptr] <= in_data;
      end
    end else begin : block
      // The word at the next read address is always fetched one cycle ahead. A beat that goes into
      // an empty FIFO would come too late for that; it takes the bypass.
      logic [WIDTH-1:0]  fetched, bypass;
      logic              bypassed;
      logic [ADDR_W-1:0] fetch_ptr;
      assign fetch_ptr = pop ? read_next : read_ptr;
      assign out_data  = bypassed ? bypass : fetched;
      hpq_ram #(
          .WIDTH (WIDTH),
          .DEPTH (DEPTH),
          .ADDR_W(ADDR_W),
          .STYLE ("block")
      ) ram (
          .clk       (clk),
          .write_en  (push),
          .write_addr(write_ptr),
          .write_data(in_data),
          .read_en   (1'b1),
          .read_addr (fetch_ptr),
          .read_data (fetched)
      );
      always_ff @(posedge clk) begin
        bypass   <= in_data;
        bypassed <= push && (write_ptr == fetch_ptr);
      end
    end
  end

`ifdef HPQ_FIFO_PROBE
  // Simulation only: the smallest depth that would have made no difference so far.
  logic [31:0] max_fill  /* verilator public_flat_rd */, fill;
  always_ff @(posedge clk) begin
    if (rst) begin
      max_fill <= '0;
      fill     <= '0;
    end else begin
      fill <= fill + 32'(push) - 32'(pop);
      if (push && fill >= max_fill) max_fill <= fill + 1;
    end
  end
`endif

endmodule
