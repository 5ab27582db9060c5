// Line buffer and sliding window: pixels of CHUNKS beats in, windows of CHUNKS beats out.
//
// The padded area of SCAN_ROWS x SCAN_COLUMNS positions is scanned at one beat per cycle; inside the
// input a beat is taken from the stream, outside it is PAD_VALUE. Two delay lines turn the scanned
// beat into a window: `lines` holds the rows above it, `columns` the beats to the left, of all rows.
// Tap (ky, kx) of a window is the beat that was scanned (KERNEL_H-1-ky) * DILATION_H rows and
// (KERNEL_W-1-kx) * DILATION_W columns before. A window is complete at its lower right corner, and all
// its taps belong to the same frame; so nothing has to be cleared between frames.
module hpq_window #(
    parameter int WIDTH        = 8,  // bits of an element
    parameter int LANES        = 1,  // elements of a beat
    parameter int CHUNKS       = 1,  // beats of a pixel
    parameter int ROWS         = 4,
    parameter int COLUMNS      = 4,
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
    parameter logic [WIDTH-1:0] PAD_VALUE = '0,
    parameter     LINE_STYLE   = "block",
    parameter     COLUMN_STYLE = "distributed"
) (
    input  logic                                     clk,
    input  logic                                     rst,
    input  logic [LANES*WIDTH-1:0]                   in_data,
    input  logic                                     in_valid,
    output logic                                     in_ready,
    output logic [KERNEL_H*KERNEL_W*LANES*WIDTH-1:0] out_data,
    output logic                                     out_valid,
    input  logic                                     out_ready
);

  localparam int BEAT       = LANES * WIDTH;
  localparam int COLUMN     = KERNEL_H * BEAT;
  localparam int ROW_W      = $clog2(SCAN_ROWS + 1);
  localparam int COL_W      = $clog2(SCAN_COLUMNS + 1);
  localparam int CHUNK_W    = (CHUNKS > 1) ? $clog2(CHUNKS) : 1;
  localparam int FIRST_ROW  = (KERNEL_H - 1) * DILATION_H;  // lower right corner of the first window
  localparam int FIRST_COL  = (KERNEL_W - 1) * DILATION_W;
  localparam int LAST_ROW   = FIRST_ROW + (OUT_ROWS - 1) * STRIDE_H;  // and of the last one
  localparam int LAST_COL   = FIRST_COL + (OUT_COLUMNS - 1) * STRIDE_W;

  // The first window lies in the padding altogether, or at least before the first pixel.
  localparam bit EARLY = (FIRST_ROW < PAD_TOP) || (FIRST_ROW == PAD_TOP && FIRST_COL < PAD_LEFT);

  // ---------------------------------------------------------------- position of the scan
  logic [ROW_W-1:0]   row, next_row;  // next_row, next_col: where the next window is complete
  logic [COL_W-1:0]   col, next_col;
  logic [CHUNK_W-1:0] chunk;
  logic               end_of_pixel, end_of_row, end_of_frame;
  logic               on_input, emit, step;
  assign end_of_pixel = chunk == CHUNK_W'(CHUNKS - 1);
  assign end_of_row   = end_of_pixel && col == COL_W'(SCAN_COLUMNS - 1);
  assign end_of_frame = end_of_row && row == ROW_W'(SCAN_ROWS - 1);
  // Above or left of the input the differences wrap around to large numbers.
  assign on_input = ROW_W'(row - ROW_W'(PAD_TOP)) < ROW_W'(ROWS) &&
                  COL_W'(col - COL_W'(PAD_LEFT)) < COL_W'(COLUMNS);
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
        if (col == next_col) next_col <= next_col + COL_W'(STRIDE_W);
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
  logic [BEAT-1:0]            pixel;
  logic [COLUMN-1:0]          column;  // at i * BEAT: the beat i * DILATION_H rows above
  logic [KERNEL_W*COLUMN-1:0] area;    // at j * COLUMN: the column j * DILATION_W to the left
  assign pixel = on_input ? in_data : {LANES{PAD_VALUE}};

  if (KERNEL_H > 1) begin : rows
    logic [COLUMN-BEAT-1:0] above;
    hpq_delay #(
        .WIDTH(COLUMN - BEAT),
        .DEPTH(DILATION_H * SCAN_COLUMNS * CHUNKS),
        .STYLE(LINE_STYLE)
    ) lines (
        .clk(clk),
        .rst(rst),
        .en (step),
        .x  (column[COLUMN-BEAT-1:0]),
        .y  (above)
    );
    assign column = {above, pixel};
  end else begin : row_only
    assign column = pixel;
  end

  if (KERNEL_W > 1) begin : taps
    logic [(KERNEL_W-1)*COLUMN-1:0] left;
    hpq_delay #(
        .WIDTH((KERNEL_W - 1) * COLUMN),
        .DEPTH(DILATION_W * CHUNKS),
        .STYLE(COLUMN_STYLE)
    ) columns (
        .clk(clk),
        .rst(rst),
        .en (step),
        .x  (area[(KERNEL_W-1)*COLUMN-1:0]),
        .y  (left)
    );
    assign area = {left, column};
  end else begin : column_only
    assign area = column;
  end

  // ---------------------------------------------------------------- output
  logic [KERNEL_H*KERNEL_W*BEAT-1:0] window;
  for (genvar ky = 0; ky < KERNEL_H; ky++) begin : tap_row
    for (genvar kx = 0; kx < KERNEL_W; kx++) begin : tap
      localparam int FROM = (KERNEL_W - 1 - kx) * COLUMN + (KERNEL_H - 1 - ky) * BEAT;
      assign window[(ky*KERNEL_W+kx)*BEAT+:BEAT] = area[FROM+:BEAT];
    end
  end

  always_ff @(posedge clk) begin
    if (rst) out_valid <= 1'b0;
    else if (step && emit) out_valid <= 1'b1;
    else if (out_ready) out_valid <= 1'b0;
  end
  always_ff @(posedge clk) begin
    if (step && emit) out_data <= window;
  end

endmodule
