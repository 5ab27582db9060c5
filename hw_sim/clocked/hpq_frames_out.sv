// Memory behind a kernel, for verification: written as an AXI4 master writes, then sent, a packet a frame. What a frame
// has no beats for has to be zero, and what lies behind the last one as it was.
module hpq_frames_out #(
    parameter int BEAT = 1,    // bytes of TDATA
    parameter int BEATS = 1,   // of a frame
    parameter int SLOT = 1,    // bytes from beat to beat,
    parameter int FRAME = 1,   // and from frame to frame
    parameter int FRAMES = 1,  // there is room for, and one more
    parameter int WIDTH = 1,   // bytes that can be written at a time
    parameter int SEED = 1
) (
    input logic clk,
    input logic rst,

    input logic [31:0] address,
    input logic [31:0] size,
    input logic valid,
    output logic ready,
    input logic [8*WIDTH-1:0] data,

    // While `sends`, `frames` leave; then `sent`. `clears` begins anew.
    input  logic        sends,
    input  logic [31:0] frames,
    input  logic        clears,
    output logic        sent,

    output logic [8*BEAT-1:0] TDATA,
    output logic              TVALID,
    output logic              TLAST,
    input  logic              TREADY
);

  localparam logic [7:0] UNTOUCHED = 8'ha5;
  localparam int SIZE = (FRAMES + 1) * FRAME;

  logic [7:0] bytes[0:SIZE-1];
  logic [31:0] frame, beat;
  logic [15:0] pauses;

  assign ready = valid && pauses[0];
  assign sent = frame == frames;
  assign TVALID = sends && !sent;
  assign TLAST = beat == BEATS - 1;
  always_comb begin
    TDATA = '0;
    for (int i = 0; i < BEAT; i++) if (TVALID) TDATA[8*i+:8] = bytes[frame*FRAME+beat*SLOT+i];
  end

  // Whether a byte of a frame belongs to no beat.
  function automatic logic idle(int place);
    return place / SLOT >= BEATS || place % SLOT >= BEAT;
  endfunction

  initial for (int i = 0; i < SIZE; i++) bytes[i] = UNTOUCHED;

  always_ff @(posedge clk) begin
    if (rst || clears) begin
      frame <= 0;
      beat  <= 0;
      for (int i = 0; i < SIZE; i++) bytes[i] <= UNTOUCHED;
    end else if (valid && ready) begin
      if (address + size > SIZE) $fatal(1, "byte %0d is written, and there are %0d", address + size - 1, SIZE);
      for (int i = 0; i < WIDTH; i++) if (i < size) bytes[address+i] <= data[8*i+:8];
    end else if (TVALID && TREADY) begin
      beat  <= TLAST ? 0 : beat + 1;
      frame <= TLAST ? frame + 1 : frame;
    end
    if (!rst && sends && frame == 0 && beat == 0)
      for (int i = 0; i < SIZE; i++)
        if (i < frames * FRAME) begin
          if (idle(i % FRAME) && bytes[i] != 0) $fatal(1, "byte %0d belongs to no beat, and is not zero", i);
        end else if (bytes[i] != UNTOUCHED)
          $fatal(1, "byte %0d is written, and %0d frames end at %0d", i, frames, frames * FRAME);
    pauses <= rst ? 16'(SEED) : {pauses[14:0], pauses[15] ^ pauses[13] ^ pauses[12] ^ pauses[10]};
  end

endmodule
