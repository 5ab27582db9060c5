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
//
// Wide delay lines are made of slices of SLICE bits, each with an enable of its own. What it depends on is in
// registers, computed a step ahead. They are equal in all slices, and yet not to become one: see hpq_fifo.
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
    parameter     COLUMN_STYLE = "distributed",
    parameter int SLICE        = 1 << 30  // bits of delay lines that hang on one copy of their enable
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
  localparam bit UNPADDED   = SCAN_ROWS == ROWS && SCAN_COLUMNS * PIXELS == COLUMNS;  // all that is scanned is input
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

  // Above or left of the input the differences wrap around to large numbers.
  function automatic logic over_input(input logic [ROW_W-1:0] y, input logic [COL_W-1:0] x);
    over_input = UNPADDED || (ROW_W'(y - ROW_W'(PAD_TOP)) < ROW_W'(ROWS) &&
                              COL_W'(x - COL_W'(PAD_BEATS)) < COL_W'(COLUMNS / PIXELS));
  endfunction

  function automatic logic completes(input logic [ROW_W-1:0] y, input logic [ROW_W-1:0] next_y,
                                     input logic [COL_W-1:0] x, input logic [COL_W-1:0] next_x);
    completes = y == next_y && y <= ROW_W'(LAST_ROW) && x == next_x && (CROWDED || x <= COL_W'(LAST_COL));
  endfunction

  // The first windows lie in the padding altogether, or at least before the first pixel.
  localparam bit EARLY = (FIRST_ROW < PAD_TOP) || (FIRST_ROW == PAD_TOP && FIRST_COL < PAD_BEATS);

  // ---------------------------------------------------------------- position of the scan
  logic [ROW_W-1:0]   row, next_row;  // next_row, next_col: where the next windows are complete
  logic [COL_W-1:0]   col, next_col, gap;
  logic [CHUNK_W-1:0] chunk;
  logic [PHASE_W-1:0] phase, phase_then;
  logic               end_of_pixel, end_of_row, end_of_frame;
  logic               on_input, complete, emit, late, step, push;
  assign end_of_pixel = chunk == CHUNK_W'(CHUNKS - 1);
  assign end_of_row   = end_of_pixel && col == COL_W'(SCAN_COLUMNS - 1);
  assign end_of_frame = end_of_row && row == ROW_W'(SCAN_ROWS - 1);
  assign on_input = over_input(row, col);
  assign complete = completes(row, next_row, col, next_col);

  // Behind the next step, with which a beat of windows leaves if there is one:
  logic [ROW_W-1:0] row_then, next_row_then;
  logic [COL_W-1:0] col_then, next_col_then;
  always_comb begin
    col_then      = col;
    next_col_then = next_col;
    row_then      = row;
    next_row_then = next_row;
    if (end_of_row) begin
      col_then      = '0;
      next_col_then = COL_W'(FIRST_COL);
    end else if (end_of_pixel) begin
      col_then = col + 1'b1;
      if (col == next_col) next_col_then = next_col + gap;
    end
    if (end_of_frame) begin
      row_then      = '0;
      next_row_then = ROW_W'(FIRST_ROW);
    end else if (end_of_row) begin
      row_then = row + 1'b1;
      if (row == next_row) next_row_then = next_row + ROW_W'(STRIDE_H);
    end
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      chunk    <= '0;
      col      <= '0;
      row      <= '0;
      next_col <= COL_W'(FIRST_COL);
      next_row <= ROW_W'(FIRST_ROW);
    end else if (step) begin
      chunk    <= end_of_pixel ? '0 : chunk + 1'b1;
      col      <= col_then;
      row      <= row_then;
      next_col <= next_col_then;
      next_row <= next_row_then;
    end
  end

  // ---------------------------------------------------------------- which windows
  if (PHASES > 1) begin : phases
    logic [PHASE_W-1:0] following;
    assign following  = (phase == PHASE_W'(PHASES - 1)) ? '0 : phase + 1'b1;
    assign phase_then = (!CROWDED && end_of_row) ? '0 : emit ? following : phase;
    always_ff @(posedge clk) begin
      if (rst || (!CROWDED && step && end_of_row)) phase <= '0;
      else if (push) phase <= following;
    end
  end else begin : one_phase
    assign phase      = '0;
    assign phase_then = '0;
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
  logic emit_then, wait_then;  // behind the next step
  assign unused    = &{push, emit_then, wait_then, enable[LINE_SLICES+COLUMN_SLICES]};
  assign emit_then = completes(row_then, next_row_then, col_then, next_col_then) ||
                     ((LATE || CROWDED) && phase_then != '0);
  if (EARLY) begin : early
    // Windows of padding are held back until the first pixel of the frame is there to be taken.
    logic started, started_then, late_then;
    assign wait_for_input = on_input || (emit && !late && !started);
    assign started_then   = !end_of_frame && (started || on_input);
    assign late_then      = LATE && phase_then != '0 && col_then < COL_W'(FIRST_COL);
    assign wait_then = over_input(row_then, col_then) || (emit_then && !late_then && !started_then);
    always_ff @(posedge clk) begin
      if (rst) started <= 1'b0;
      else if (step) started <= started_then;
    end
  end else begin : regular
    assign wait_for_input = on_input;
    assign wait_then      = over_input(row_then, col_then);
  end
  assign room      = !emit || out_ready;
  assign out_valid = emit && (in_valid || !wait_for_input || late);
  assign step      = room && (in_valid || !wait_for_input);
  assign push      = out_valid && out_ready;
  assign in_ready  = room && on_input;

  // ---------------------------------------------------------------- delay lines
  // Enables: of `lines`, then of `columns`. To them a bit is a load; two where it is in LUT RAM, with a register
  // behind, or in two registers; and none in a block RAM.
  localparam int LINES_W       = (KERNEL_H - 1) * BEAT;
  localparam int COLUMNS_W     = PAST * COLUMN;
  localparam bit IN_RAM        = DILATION_H * SCAN_COLUMNS * CHUNKS > 32;
  localparam int LINE_LOADS    = !IN_RAM ? 1 : (88'(LINE_STYLE) == 88'("block")) ? 0 : 2;
  localparam int COLUMN_LOADS  = (STEP * CHUNKS == 2) ? 2 : 1;
  localparam int LINE_SLICE    = (LINE_LOADS == 0) ? LINES_W + 1 : SLICE / LINE_LOADS;
  localparam int COLUMN_SLICE  = SLICE / COLUMN_LOADS;
  localparam int LINE_SLICES   = (LINES_W + LINE_SLICE - 1) / LINE_SLICE;
  localparam int COLUMN_SLICES = (COLUMNS_W + COLUMN_SLICE - 1) / COLUMN_SLICE;
  localparam bit OWN           = LINES_W * LINE_LOADS + COLUMNS_W * COLUMN_LOADS > SLICE;
  localparam bit EMIT_FIRST    = FIRST_ROW == 0 && FIRST_COL == 0;
  localparam bit WAIT_FIRST    = (PAD_TOP == 0 && PAD_BEATS == 0) || (EARLY && EMIT_FIRST);
  logic [LINE_SLICES+COLUMN_SLICES:0] enable;  // each as step; the uppermost is none's
  assign enable[LINE_SLICES+COLUMN_SLICES] = step;
  for (genvar i = 0; i < LINE_SLICES + COLUMN_SLICES; i++) begin : slice
    if (OWN) begin : own
      (* dont_touch = "true" *) logic emits, waits;
      assign enable[i] = (!emits || out_ready) && (in_valid || !waits);
      always_ff @(posedge clk) begin
        if (rst) begin
          emits <= EMIT_FIRST;
          waits <= WAIT_FIRST;
        end else if (enable[i]) begin
          emits <= emit_then;
          waits <= wait_then;
        end else if (LATE && emits && late && out_ready) begin  // windows have left without a step
          emits <= 1'b0;
          waits <= on_input;
        end
      end
    end else begin : shared
      assign enable[i] = step;
    end
  end

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
        .STYLE(LINE_STYLE),
        .SLICE(LINE_SLICE)
    ) lines (
        .clk(clk),
        .rst(rst),
        .en (enable[LINE_SLICES-1:0]),
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
        .STYLE(COLUMN_STYLE),
        .SLICE(COLUMN_SLICE)
    ) columns (
        .clk(clk),
        .rst(rst),
        .en (enable[LINE_SLICES+:COLUMN_SLICES]),
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
