// Who calls a kernel, for verification: with one frame and with FRAMES of them by turns, with fewer where no more come.
module hpq_calls #(
    parameter int FRAMES = 1,
    parameter int PATIENCE = 64  // cycles without a beat
) (
    input logic clk,
    input logic rst,

    // Of the memories in front.
    output logic collects,
    output logic [31:0] wanted,
    input logic moves,    // a beat comes in
    input logic between,  // all are between frames,
    input logic equal,    // and have equally many,
    input logic [31:0] there,
    // Of the kernel's processes.
    output logic starts,
    output logic [31:0] frames,
    input logic ended,  // all of them
    // Of the memories behind.
    output logic sends,
    input logic sent,
    output logic clears
);

  typedef enum logic [1:0] {
    COLLECT,
    START,
    RUN,
    SEND
  } phase_t;
  phase_t phase;
  logic many;
  logic [31:0] quiet;

  assign collects = phase == COLLECT;
  assign wanted = many ? FRAMES : 1;
  assign starts = phase == START;
  assign sends = phase == SEND;
  assign clears = phase == SEND && sent;

  always_ff @(posedge clk) begin
    if (rst) begin
      phase  <= COLLECT;
      many   <= 0;
      quiet  <= 0;
      frames <= 0;
    end else begin
      quiet <= phase != COLLECT || moves ? 0 : quiet + 1;
      case (phase)
        COLLECT:
        if (between && equal && !moves && (there == wanted || (there > 0 && quiet >= PATIENCE))) begin
          phase  <= START;
          frames <= there;
        end
        START: phase <= RUN;
        RUN: if (ended) phase <= SEND;
        SEND:
        if (sent) begin
          phase <= COLLECT;
          many  <= !many;
        end
      endcase
    end
  end

endmodule
