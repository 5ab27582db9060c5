// Memory in front of a kernel, for verification: collects packets, each beat in a slot of its own, and is read as an
// AXI4 master reads: after a while that nobody knows.
module hpq_frames_in #(
    parameter int BEAT = 1,    // bytes of TDATA
    parameter int BEATS = 1,   // of a frame
    parameter int SLOT = 1,    // bytes from beat to beat,
    parameter int FRAME = 1,   // and from frame to frame
    parameter int FRAMES = 1,  // there is room for
    parameter int WIDTH = 1,   // bytes that can be read at a time
    parameter int SEED = 1
) (
    input logic clk,
    input logic rst,

    // A packet a frame.
    input  logic [8*BEAT-1:0] TDATA,
    input  logic              TVALID,
    output logic              TREADY,

    // While `collects`, frames come in until there are `wanted`; `clears` forgets them.
    input  logic        collects,
    input  logic [31:0] wanted,
    input  logic        clears,
    output logic [31:0] frames,
    output logic        between,  // no frame has begun and not ended

    input  logic [31:0] address,
    input  logic [31:0] size,
    input  logic        valid,
    output logic        ready,
    output logic [8*WIDTH-1:0] data
);

  logic [7:0] bytes[0:FRAMES*FRAME-1];
  logic [31:0] beat;
  logic [15:0] pauses;

  assign between = beat == 0;
  assign TREADY = collects && !rst && frames < wanted;
  assign ready = valid && pauses[0];
  always_comb begin
    data = '0;
    for (int i = 0; i < WIDTH; i++)
      if (valid && i < size && address + i < FRAMES * FRAME) data[8*i+:8] = bytes[address+i];
  end

  initial for (int i = 0; i < FRAMES * FRAME; i++) bytes[i] = 0;

  always_ff @(posedge clk) begin
    if (rst || clears) begin
      beat <= 0;
      frames <= 0;
      for (int i = 0; i < FRAMES * FRAME; i++) bytes[i] <= 0;
    end else if (TVALID && TREADY) begin
      for (int i = 0; i < BEAT; i++) bytes[frames*FRAME+beat*SLOT+i] <= TDATA[8*i+:8];
      beat   <= beat == BEATS - 1 ? 0 : beat + 1;
      frames <= beat == BEATS - 1 ? frames + 1 : frames;
    end
    pauses <= rst ? 16'(SEED) : {pauses[14:0], pauses[15] ^ pauses[13] ^ pauses[12] ^ pauses[10]};
    if (!rst && valid && address + size > frames * FRAME)
      $fatal(1, "byte %0d is read, and %0d frames end at %0d", address + size - 1, frames, frames * FRAME);
  end

endmodule
