// First-in first-out buffer of DEPTH beats, latency 1, one beat per cycle in and out.
//
// in_ready depends on registers only, so that a FIFO cuts the combinational path of the handshake;
// that is why DEPTH must be at least 2 for full throughput. STYLE chooses the memory: "shift" (SRLs),
// "distributed" (LUT RAM, read asynchronously) or "block" (block RAM).
module hpq_fifo #(
    parameter int WIDTH = 8,
    parameter int DEPTH = 2,
    parameter     STYLE = "shift"
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

  logic [COUNT_W-1:0] count;
  logic               push, pop;
  assign in_ready  = count != COUNT_W'(DEPTH);
  assign out_valid = count != '0;
  assign push      = in_valid && in_ready;
  assign pop       = out_valid && out_ready;

  always_ff @(posedge clk) begin
    if (rst) count <= '0;
    else if (push && !pop) count <= count + 1'b1;
    else if (pop && !push) count <= count - 1'b1;
  end

  if (88'(STYLE) == 88'("shift")) begin : shift
    // A shift register with the newest beat in stage 0; the oldest is in stage count - 1. One per bit:
    // that is how Yosys recognises an SRL.
    logic [ADDR_W-1:0] oldest;
    assign oldest = ADDR_W'(count - 1'b1);
    for (genvar b = 0; b < WIDTH; b++) begin : line
      logic [DEPTH-1:0] stage;
      assign out_data[b] = stage[oldest];
      always_ff @(posedge clk) begin
        if (push) stage <= DEPTH'({stage, in_data[b]});
      end
    end
  end else begin : memory
    localparam logic [ADDR_W-1:0] LAST = ADDR_W'(DEPTH - 1);
    logic [ADDR_W-1:0] write_ptr, read_ptr, read_next;
    assign read_next = (read_ptr == LAST) ? '0 : read_ptr + 1'b1;
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
  logic [31:0] max_fill  /* verilator public_flat_rd */;
  always_ff @(posedge clk) begin
    if (rst) max_fill <= '0;
    else if (push && 32'(count) >= max_fill) max_fill <= 32'(count) + 1;
  end
`endif

endmodule
