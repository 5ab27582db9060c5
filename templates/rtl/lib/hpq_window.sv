// Line buffer and sliding window: PIXELS pixels a beat in, in CHUNKS beats; WINDOWS windows a beat out, likewise.
//
// The padded area is scanned at one beat per cycle, SCAN_ROWS rows of SCAN_COLUMNS columns, each a beat
// wide; inside the input a beat is taken from the stream, outside it is PAD_VALUE. Two delay lines turn the
// scanned beat into windows: `lines` holds the rows above it, `columns` the pixels to the left, of all rows.
// Windows are complete at the lower right corner of the last of them, and all their taps belong to the
// same frame; so nothing has to be cleared between frames. WINDOWS windows begin a whole number of beats
// after the WINDOWS before them: so each tap is always found at the same distance from the newest pixel.
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
  localparam int EVERY      = WINDOWS * STRIDE_W / PIXELS;  // columns of the scan between two beats of windows
  // From the first column of a beat's first window to the last one of its last.
  localparam int REACH      = (WINDOWS - 1) * STRIDE_W + (KERNEL_W - 1) * DILATION_W;
  localparam int FIRST_ROW  = (KERNEL_H - 1) * DILATION_H;  // lower right corner of the first windows
  localparam int FIRST_COL  = (PAD_BEATS * PIXELS - PAD_LEFT + REACH) / PIXELS;
  localparam int LAST_ROW   = FIRST_ROW + (OUT_ROWS - 1) * STRIDE_H;  // and of the last ones
  localparam int LAST_COL   = FIRST_COL + (OUT_COLUMNS / WINDOWS - 1) * EVERY;
  // From the first column of a beat's first window to the newest pixel.
  localparam int OLDEST     = (FIRST_COL - PAD_BEATS + 1) * PIXELS - 1 + PAD_LEFT;
  // What stays of earlier beats: pixels, or with one pixel a beat only those at the distance of taps.
  localparam int STEP       = (PIXELS == 1) ? DILATION_W : 1;
  localparam int PAST       = (OLDEST / STEP + 1 > PIXELS) ? OLDEST / STEP + 1 - PIXELS : 0;

  // The first windows lie in the padding altogether, or at least before the first pixel.
  localparam bit EARLY = (FIRST_ROW < PAD_TOP) || (FIRST_ROW == PAD_TOP && FIRST_COL < PAD_BEATS);

  // ---------------------------------------------------------------- position of the scan
  logic [ROW_W-1:0]   row, next_row;  // next_row, next_col: where the next windows are complete
  logic [COL_W-1:0]   col, next_col;
  logic [CHUNK_W-1:0] chunk;
  logic               end_of_pixel, end_of_row, end_of_frame;
  logic               on_input, emit, step;
  assign end_of_pixel = chunk == CHUNK_W'(CHUNKS - 1);
  assign end_of_row   = end_of_pixel && col == COL_W'(SCAN_COLUMNS - 1);
  assign end_of_frame = end_of_row && row == ROW_W'(SCAN_ROWS - 1);
  // Above or left of the input the differences wrap around to large numbers.
  assign on_input = ROW_W'(row - ROW_W'(PAD_TOP)) < ROW_W'(ROWS) &&
                  COL_W'(col - COL_W'(PAD_BEATS)) < COL_W'(COLUMNS / PIXELS);
  assign emit = row == next_row && row <= ROW_W'(LAST_ROW) &&
                col == next_col && col <= COL_W'(LAST_COL);

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
        if (col == next_col) next_col <= next_col + COL_W'(EVERY);
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

  // ---------------------------------------------------------------- handshake
  logic wait_for_input, room;
  if (EARLY) begin : early
    // Windows of padding are held back until the first pixel of the frame is there to be taken.
    logic started;
    assign wait_for_input = on_input || (emit && !started);
    always_ff @(posedge clk) begin
      if (rst) started <= 1'b0;
      else if (step) started <= !end_of_frame && (started || on_input);
    end
  end else begin : regular
    assign wait_for_input = on_input;
  end
  assign room     = !emit || !out_valid || out_ready;
  assign step     = room && (in_valid || !wait_for_input);
  assign in_ready = room && on_input;

  // ---------------------------------------------------------------- delay lines
  logic [BEAT-1:0]          beat;
  logic [KERNEL_H*BEAT-1:0] column;  // at i * BEAT: the beat i * DILATION_H rows above
  // At j * COLUMN: a column of pixels, j * STEP to the left of the newest.
  /* verilator lint_off UNUSEDSIGNAL */  // of several pixels a beat, the oldest may be no tap
  logic [(PAST+PIXELS)*COLUMN-1:0] area;
  /* verilator lint_on UNUSEDSIGNAL */
  assign beat = on_input ? in_data : {PIXELS * LANES{PAD_VALUE}};

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
  logic [WINDOWS*TAPS*PIXEL-1:0] windows;
  for (genvar w = 0; w < WINDOWS; w++) begin : out_window
    for (genvar t = 0; t < TAPS; t++) begin : tap
      localparam int LEFT = (OLDEST - w * STRIDE_W - (t % KERNEL_W) * DILATION_W) / STEP;
      localparam int FROM = LEFT * COLUMN + (KERNEL_H - 1 - t / KERNEL_W) * PIXEL;
      for (genvar l = 0; l < LANES; l++) begin : lane
        localparam int AT = BY_CHANNEL ? (w * LANES + l) * TAPS + t : (w * TAPS + t) * LANES + l;
        assign windows[AT*WIDTH+:WIDTH] = area[FROM+l*WIDTH+:WIDTH];
      end
    end
  end

  always_ff @(posedge clk) begin
    if (rst) out_valid <= 1'b0;
    else if (step && emit) out_valid <= 1'b1;
    else if (out_ready) out_valid <= 1'b0;
  end
  always_ff @(posedge clk) begin
    if (step && emit) out_data <= windows;
  end

endmodule
