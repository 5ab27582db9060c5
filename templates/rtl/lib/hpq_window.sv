// Line buffer and sliding window: PIXELS pixels a beat in, in CHUNKS beats; WINDOWS windows a beat out, likewise.
//
// The padded area is scanned at one beat per cycle, SCAN_ROWS rows of SCAN_COLUMNS columns, each a beat
// wide; inside the input a beat is taken from the stream, outside it is PAD_VALUE. Two delay lines turn the
// scanned beat into windows: `lines` holds the rows above it, `columns` the pixels to the left, of all rows.
// Windows are complete at the lower right corner of the last of them, and all their taps belong to the
// same frame; so nothing has to be cleared between frames. A beat of windows begins WINDOWS * STRIDE_W pixels
// after the one before. Where that is a whole number of beats (PHASES = 1), each tap is always found at the same
// distance from the newest pixel. Else the distances repeat after PHASES beats of windows, and multiplexers take
// the taps from where they are. Where it is less than a beat, windows leave with every beat from the first ones
// on, and the last of a row, the late ones, while the next row is scanned, be it of the next frame: they wait for
// none of its pixels.
module hpq_window #(
    parameter int WIDTH        = 8,  // bits of an element
    parameter int LANES        = 1,  // elements of a pixel in a beat
    parameter int PIXELS       = 1,  // pixels of a beat
    parameter int WINDOWS      = 1,  // windows of a beat
    parameter int CHUNKS       = 1,  // beats of a pixel; 1 where a beat has several
    parameter int ROWS         = 4,
    parameter int COLUMNS      = 4,  // pixels of a row, and below windows of a row
    parameter int KERNEL_H     = 2,
    parameter int KERNEL_W     = 2,
    parameter int STRIDE_H     = 1,
    parameter int STRIDE_W     = 1,
    parameter int DILATION_H   = 1,
    parameter int DILATION_W   = 1,
    parameter int PAD_TOP      = 0,
    parameter int PAD_LEFT     = 0,
    parameter int OUT_ROWS     = 3,
    parameter int OUT_COLUMNS  = 3,
    parameter int SCAN_ROWS    = 4,
    parameter int SCAN_COLUMNS = 4,
    parameter int PHASES       = 1,
    parameter bit BY_CHANNEL   = 1'b0,  // order in a window: (channel, tap), or else (tap, channel)
    parameter logic [WIDTH-1:0] PAD_VALUE = '0,
    parameter     LINE_STYLE   = "block",
    parameter     COLUMN_STYLE = "distributed"
) (
    input  logic                                             clk,
    input  logic                                             rst,
    input  logic [PIXELS*LANES*WIDTH-1:0]                    in_data,
    input  logic                                             in_valid,
    output logic                                             in_ready,
    output logic [WINDOWS*KERNEL_H*KERNEL_W*LANES*WIDTH-1:0] out_data,
    output logic                                             out_valid,
    input  logic                                             out_ready
);

  localparam int PIXEL      = LANES * WIDTH;
  localparam int BEAT       = PIXELS * PIXEL;
  localparam int COLUMN     = KERNEL_H * PIXEL;
  localparam int TAPS       = KERNEL_H * KERNEL_W;
  localparam int ROW_W      = $clog2(SCAN_ROWS + 1);
  localparam int COL_W      = $clog2(SCAN_COLUMNS + 1);
  localparam int CHUNK_W    = (CHUNKS > 1) ? $clog2(CHUNKS) : 1;
  localparam int PAD_BEATS  = (PAD_LEFT + PIXELS - 1) / PIXELS;
  localparam int OUT_BEATS  = OUT_COLUMNS / WINDOWS;
  localparam int ADVANCE    = WINDOWS * STRIDE_W;  // pixels from one beat of windows to the next
  localparam bit CROWDED    = OUT_BEATS > 1 && ADVANCE < PIXELS;
  // From the first column of a beat's first window to the last one of its last.
  localparam int REACH      = (WINDOWS - 1) * STRIDE_W + (KERNEL_W - 1) * DILATION_W;
  localparam int BEGIN      = PAD_BEATS * PIXELS - PAD_LEFT;  // pixels of the scan before a row's first window
  localparam int FIRST_ROW  = (KERNEL_H - 1) * DILATION_H;  // with which the first windows are complete
  localparam int FIRST_COL  = (BEGIN + REACH) / PIXELS;
  localparam int LAST_ROW   = FIRST_ROW + (OUT_ROWS - 1) * STRIDE_H;  // and the last ones
  localparam int LAST_COL   = leaves(OUT_BEATS - 1);
  localparam int PHASE_W    = (PHASES > 1) ? $clog2(PHASES) : 1;
  localparam bit LATE       = LAST_COL >= SCAN_COLUMNS;
  localparam int OLDEST     = oldest();
  // What stays of earlier beats: pixels, or with one pixel a beat only those at the distance of taps.
  localparam int STEP       = (PIXELS == 1) ? DILATION_W : 1;
  localparam int PAST       = (OLDEST / STEP + 1 > PIXELS) ? OLDEST / STEP + 1 - PIXELS : 0;

  // The column of the scan with which a beat of windows leaves; from SCAN_COLUMNS on, one of the next row.
  function automatic int leaves(input int number);
    leaves = CROWDED ? FIRST_COL + number : (BEGIN + REACH + number * ADVANCE) / PIXELS;
  endfunction

  // From the first column of a beat's first window to the newest pixel.
  function automatic int place(input int number);
    place = (leaves(number) + 1) * PIXELS - 1 - (BEGIN + number * ADVANCE);
  endfunction

  function automatic int oldest();
    oldest = 0;
    for (int p = 0; p < PHASES; p++) if (place(p) > oldest) oldest = place(p);
  endfunction

  // The first windows lie in the padding altogether, or at least before the first pixel.
  localparam bit EARLY = (FIRST_ROW < PAD_TOP) || (FIRST_ROW == PAD_TOP && FIRST_COL < PAD_BEATS);

  // ---------------------------------------------------------------- position of the scan
  logic [ROW_W-1:0]   row, next_row;  // next_row, next_col: where the next windows are complete
  logic [COL_W-1:0]   col, next_col, gap;
  logic [CHUNK_W-1:0] chunk;
  logic [PHASE_W-1:0] phase;
  logic               end_of_pixel, end_of_row, end_of_frame;
  logic               on_input, complete, emit, late, step, push;
  assign end_of_pixel = chunk == CHUNK_W'(CHUNKS - 1);
  assign end_of_row   = end_of_pixel && col == COL_W'(SCAN_COLUMNS - 1);
  assign end_of_frame = end_of_row && row == ROW_W'(SCAN_ROWS - 1);
  // Above or left of the input the differences wrap around to large numbers.
  assign on_input = ROW_W'(row - ROW_W'(PAD_TOP)) < ROW_W'(ROWS) &&
                  COL_W'(col - COL_W'(PAD_BEATS)) < COL_W'(COLUMNS / PIXELS);
  assign complete = row == next_row && row <= ROW_W'(LAST_ROW) &&
                col == next_col && (CROWDED || col <= COL_W'(LAST_COL));

  always_ff @(posedge clk) begin
    if (rst) begin
      chunk    <= '0;
      col      <= '0;
      row      <= '0;
      next_col <= COL_W'(FIRST_COL);
      next_row <= ROW_W'(FIRST_ROW);
    end else if (step) begin
      chunk <= end_of_pixel ? '0 : chunk + 1'b1;
      if (end_of_row) begin
        col      <= '0;
        next_col <= COL_W'(FIRST_COL);
      end else if (end_of_pixel) begin
        col <= col + 1'b1;
        if (col == next_col) next_col <= next_col + gap;
      end
      if (end_of_frame) begin
        row      <= '0;
        next_row <= ROW_W'(FIRST_ROW);
      end else if (end_of_row) begin
        row <= row + 1'b1;
        if (row == next_row) next_row <= next_row + ROW_W'(STRIDE_H);
      end
    end
  end

  // ---------------------------------------------------------------- which windows
  if (PHASES > 1) begin : phases
    always_ff @(posedge clk) begin
      if (rst || (!CROWDED && step && end_of_row)) phase <= '0;
      else if (push) phase <= (phase == PHASE_W'(PHASES - 1)) ? '0 : phase + 1'b1;
    end
  end else begin : one_phase
    assign phase = '0;
  end

  if (CROWDED) begin : crowded
    assign gap = '0;
  end else begin : spread
    logic [PHASES*COL_W-1:0] gaps;
    for (genvar p = 0; p < PHASES; p++) begin : phase_gap
      localparam int GAP = leaves(p + 1) - leaves(p);
      assign gaps[p*COL_W+:COL_W] = COL_W'(GAP);
    end
    always_comb begin
      gap = gaps[0+:COL_W];
      for (int p = 1; p < PHASES; p++) if (phase == PHASE_W'(p)) gap = gaps[p*COL_W+:COL_W];
    end
  end

  if (LATE) begin : late_ones
    logic sent;  // late windows have left before the scan could go on
    assign late = phase != '0 && col < COL_W'(FIRST_COL);
    assign emit = (complete || phase != '0) && !sent;
    always_ff @(posedge clk) begin
      if (rst || step) sent <= 1'b0;
      else if (push) sent <= 1'b1;
    end
  end else begin : none_late
    assign late = 1'b0;
    assign emit = complete || (CROWDED && phase != '0);
  end

  // ---------------------------------------------------------------- handshake
  logic wait_for_input, room, unused;
  assign unused = push;
  if (EARLY) begin : early
    // Windows of padding are held back until the first pixel of the frame is there to be taken.
    logic started;
    assign wait_for_input = on_input || (emit && !late && !started);
    always_ff @(posedge clk) begin
      if (rst) started <= 1'b0;
      else if (step) started <= !end_of_frame && (started || on_input);
    end
  end else begin : regular
    assign wait_for_input = on_input;
  end
  assign room      = !emit || out_ready;
  assign out_valid = emit && (in_valid || !wait_for_input || late);
  assign step      = room && (in_valid || !wait_for_input);
  assign push      = out_valid && out_ready;
  assign in_ready  = room && on_input;

  // ---------------------------------------------------------------- delay lines
  logic [BEAT-1:0]          beat;
  logic [KERNEL_H*BEAT-1:0] column;  // at i * BEAT: the beat i * DILATION_H rows above
  // At j * COLUMN: a column of pixels, j * STEP to the left of the newest.
  /* verilator lint_off UNUSEDSIGNAL */  // of several pixels a beat, the oldest may be no tap
  logic [(PAST+PIXELS)*COLUMN-1:0] area;
  /* verilator lint_on UNUSEDSIGNAL */
  // In this form, and not as a choice, no tool makes a reset of it, which a shift register behind would not have.
  assign beat = (in_data & {BEAT{on_input}}) | ({PIXELS * LANES{PAD_VALUE}} & {BEAT{!on_input}});

  if (KERNEL_H > 1) begin : rows
    logic [(KERNEL_H-1)*BEAT-1:0] above;
    hpq_delay #(
        .WIDTH((KERNEL_H - 1) * BEAT),
        .DEPTH(DILATION_H * SCAN_COLUMNS * CHUNKS),
        .STYLE(LINE_STYLE)
    ) lines (
        .clk(clk),
        .rst(rst),
        .en (step),
        .x  (column[(KERNEL_H-1)*BEAT-1:0]),
        .y  (above)
    );
    assign column = {above, beat};
  end else begin : row_only
    assign column = beat;
  end

  for (genvar i = 0; i < PIXELS; i++) begin : newest
    for (genvar r = 0; r < KERNEL_H; r++) begin : row
      assign area[(PIXELS-1-i)*COLUMN+r*PIXEL+:PIXEL] = column[r*BEAT+i*PIXEL+:PIXEL];
    end
  end
  if (PAST > 0) begin : taps
    hpq_delay #(
        .WIDTH(PAST * COLUMN),
        .DEPTH(STEP * CHUNKS),
        .STYLE(COLUMN_STYLE)
    ) columns (
        .clk(clk),
        .rst(rst),
        .en (step),
        .x  (area[PAST*COLUMN-1:0]),
        .y  (area[PIXELS*COLUMN+:PAST*COLUMN])
    );
  end

  // ---------------------------------------------------------------- output
  // At j * COLUMN: a column of pixels, j * STEP to the right of where the first window begins.
  /* verilator lint_off UNUSEDSIGNAL */  // some may be no tap
  logic [(REACH/STEP+1)*COLUMN-1:0] view;
  /* verilator lint_on UNUSEDSIGNAL */
  for (genvar j = 0; j <= REACH / STEP; j++) begin : view_column
    logic [PHASES*COLUMN-1:0] found;
    for (genvar p = 0; p < PHASES; p++) begin : in_phase
      localparam int LEFT = place(p) / STEP - j;
      assign found[p*COLUMN+:COLUMN] = area[LEFT*COLUMN+:COLUMN];
    end
    always_comb begin
      view[j*COLUMN+:COLUMN] = found[0+:COLUMN];
      for (int p = 1; p < PHASES; p++) begin
        if (phase == PHASE_W'(p)) view[j*COLUMN+:COLUMN] = found[p*COLUMN+:COLUMN];
      end
    end
  end

  for (genvar w = 0; w < WINDOWS; w++) begin : out_window
    for (genvar t = 0; t < TAPS; t++) begin : tap
      localparam int RIGHT = (w * STRIDE_W + (t % KERNEL_W) * DILATION_W) / STEP;
      localparam int FROM = RIGHT * COLUMN + (KERNEL_H - 1 - t / KERNEL_W) * PIXEL;
      for (genvar l = 0; l < LANES; l++) begin : lane
        localparam int AT = BY_CHANNEL ? (w * LANES + l) * TAPS + t : (w * TAPS + t) * LANES + l;
        assign out_data[AT*WIDTH+:WIDTH] = view[FROM+l*WIDTH+:WIDTH];
      end
    end
  end

endmodule
