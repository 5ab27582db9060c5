// Any element of a frame anywhere in the frame that leaves, through two memories of a frame: one is written
// while the other is read.
//
// ATOM elements of WIDTH bits stay together. A beat in is a word of SPLIT atoms, WORDS of them are a frame; a
// beat out is READS atoms, each from a copy of the memories of its own. The table says for each beat and read,
// read 0 lowest: whether the atom is zero (with ZEROS), the word (WORD_W bits), its place in it (PLACE_W bits).
//
// The pipeline behind the table: memories | place, out_data. It never stands still: a beat is handed over when it
// is read, and there two cycles later.
module hpq_reorder #(
    parameter int ATOM_W      = 8,  // bits of an atom
    parameter int SPLIT       = 1,
    parameter int WORDS       = 2,
    parameter int READS       = 1,
    parameter int BEATS       = 2,  // of a frame that leaves
    parameter bit ZEROS       = 1'b0,
    parameter int WORD_W      = 1,
    parameter int PLACE_W     = 0,
    parameter     INDEX_FILE  = "",
    parameter     INDEX_STYLE = "distributed",
    parameter     RAM_STYLE   = "distributed"
) (
    input  logic                    clk,
    input  logic                    rst,
    input  logic [SPLIT*ATOM_W-1:0] in_data,
    input  logic                    in_valid,
    output logic                    in_ready,
    output logic [READS*ATOM_W-1:0] out_data,
    output logic                    out_valid,
    input  logic                    out_ready
);

  localparam int ADDR_W  = $clog2(2 * WORDS);
  localparam int BEAT_W  = (BEATS > 1) ? $clog2(BEATS) : 1;
  localparam int ENTRY_W = (ZEROS ? 1 : 0) + WORD_W + PLACE_W;
  localparam int AT_W    = (PLACE_W > 0) ? PLACE_W : 1;

  // ---------------------------------------------------------------- writing
  logic [ADDR_W-1:0] write_addr;
  logic [       1:0] full;
  logic              write_bank, read_bank, take, filled, emptied;
  assign in_ready = !full[write_bank];
  assign take     = in_valid && in_ready;
  assign filled   = take && (write_addr == ADDR_W'(WORDS - 1) || write_addr == ADDR_W'(2 * WORDS - 1));

  always_ff @(posedge clk) begin
    if (rst) begin
      write_addr <= '0;
      write_bank <= 1'b0;
    end else if (take) begin
      write_addr <= (write_addr == ADDR_W'(2 * WORDS - 1)) ? '0 : write_addr + 1'b1;
      if (filled) write_bank <= !write_bank;
    end
  end

  always_ff @(posedge clk) begin
    if (rst) full <= '0;
    else full <= (full | {filled && write_bank, filled && !write_bank}) &
                 ~{emptied && read_bank, emptied && !read_bank};
  end

  // ---------------------------------------------------------------- reading
  logic [BEAT_W-1:0] beat, next;
  logic              issue, last;
  assign out_valid = full[read_bank];
  assign issue     = out_valid && out_ready;
  assign last      = beat == BEAT_W'(BEATS - 1);
  assign emptied   = issue && last;
  assign next      = rst ? '0 : !issue ? beat : last ? '0 : beat + 1'b1;

  always_ff @(posedge clk) begin
    beat <= next;
    if (rst) read_bank <= 1'b0;
    else if (emptied) read_bank <= !read_bank;
  end

  logic [READS*ENTRY_W-1:0] entries;
  hpq_rom #(
      .WIDTH (READS * ENTRY_W),
      .DEPTH (BEATS),
      .ADDR_W(BEAT_W),
      .FILE  (INDEX_FILE),
      .STYLE (INDEX_STYLE)
  ) index (
      .clk (clk),
      .addr(next),
      .data(entries)
  );

  for (genvar r = 0; r < READS; r++) begin : read
    logic [     ENTRY_W-1:0] entry;
    logic [      ADDR_W-1:0] addr;
    logic [SPLIT*ATOM_W-1:0] word;
    logic [      ATOM_W-1:0] atom;
    assign entry = entries[r*ENTRY_W+:ENTRY_W];
    assign addr  = ADDR_W'(entry[PLACE_W+:WORD_W]) + (read_bank ? ADDR_W'(WORDS) : '0);

    hpq_ram #(
        .WIDTH (SPLIT * ATOM_W),
        .DEPTH (2 * WORDS),
        .ADDR_W(ADDR_W),
        .STYLE (RAM_STYLE)
    ) memory (
        .clk       (clk),
        .write_en  (take),
        .write_addr(write_addr),
        .write_data(in_data),
        .read_en   (1'b1),
        .read_addr (addr),
        .read_data (word)
    );

    if (PLACE_W > 0) begin : placed
      logic [AT_W-1:0] place;
      always_ff @(posedge clk) place <= entry[AT_W-1:0];
      always_comb begin
        atom = word[0+:ATOM_W];
        for (int p = 1; p < SPLIT; p++) if (place == AT_W'(p)) atom = word[p*ATOM_W+:ATOM_W];
      end
    end else begin : whole
      assign atom = word;
    end

    if (ZEROS) begin : or_zero
      logic zero;
      always_ff @(posedge clk) zero <= entry[ENTRY_W-1];
      always_ff @(posedge clk) out_data[r*ATOM_W+:ATOM_W] <= zero ? '0 : atom;
    end else begin : no_zero
      always_ff @(posedge clk) out_data[r*ATOM_W+:ATOM_W] <= atom;
    end
  end

endmodule
