// The slopes of a kernel's results (hpq_finish), those of the beat that is cast: the same for every beat, SLOPES, or
// a word for each beat, one after another and again from the first.
//
// `beat` says that one enters the STAGES registers in front of the cast.
module hpq_slopes #(
    parameter int LANES       = 1,
    parameter int STAGES      = 0,
    parameter int SLOPE_W     = 1,
    parameter int SLOPE_DEPTH = 1,
    parameter     SLOPE_FILE  = "",
    parameter     SLOPE_STYLE = "distributed",
    parameter logic [LANES*SLOPE_W-1:0] SLOPES = '0
) (
    input  logic                   clk,
    input  logic                   rst,
    input  logic                   beat,
    output logic [LANES*SLOPE_W-1:0] slopes
);

  if (SLOPE_DEPTH == 1) begin : constant
    logic unused;
    assign unused = &{clk, rst, beat};
    assign slopes = SLOPES;
  end else begin : words
    localparam int ADDR_W = $clog2(SLOPE_DEPTH);
    logic              leaves;  // the beat that is cast goes on
    logic [ADDR_W-1:0] at, next;
    if (STAGES == 0) begin : at_once
      assign leaves = beat;
    end else begin : later
      logic [STAGES-1:0] valid_at;
      always_ff @(posedge clk) begin
        if (rst) valid_at <= '0;
        else valid_at <= STAGES'({valid_at, beat});
      end
      assign leaves = valid_at[STAGES-1];
    end
    assign next = rst ? '0 : !leaves ? at : (at == ADDR_W'(SLOPE_DEPTH - 1)) ? '0 : at + 1'b1;
    always_ff @(posedge clk) at <= next;
    hpq_rom #(
        .WIDTH (LANES * SLOPE_W),
        .DEPTH (SLOPE_DEPTH),
        .ADDR_W(ADDR_W),
        .FILE  (SLOPE_FILE),
        .STYLE (SLOPE_STYLE)
    ) rom (
        .clk (clk),
        .addr(next),
        .data(slopes)
    );
  end

endmodule
