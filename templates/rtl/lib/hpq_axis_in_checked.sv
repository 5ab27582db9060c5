// AXI4-Stream slave port that checks TLAST: it has to come with the last of BEATS beats, and with no other. TDATA
// is padded to whole bytes at the top; TKEEP and TSTRB are taken as all ones.
//
// Of a packet that ends early, the frame is filled up with zeros; of one that goes on, what is too much is dropped,
// up to and including the beat with TLAST. So every packet makes one frame, and the next begins where it should.
// packet_error rises with such a packet, and stays until reset.
module hpq_axis_in_checked #(
    parameter int WIDTH = 8,
    parameter int BYTES = 1,
    parameter int BEATS = 1
) (
    input  logic               clk,
    input  logic               rst,
    input  logic [8*BYTES-1:0] tdata,
    input  logic               tvalid,
    output logic               tready,
    input  logic               tlast,
    input  logic [BYTES-1:0]   tkeep,
    input  logic [BYTES-1:0]   tstrb,
    output logic [WIDTH-1:0]   out_data,
    output logic               out_valid,
    input  logic               out_ready,
    output logic               packet_error
);

  // Nothing is accepted during reset, nor lost.
  logic running;
  always_ff @(posedge clk) running <= !rst;

  logic at_end, filling, dropping, take;
  assign take      = tvalid && tready;
  assign tready    = running && !filling && (out_ready || dropping);
  assign out_valid = filling || (tvalid && running && !dropping);

  // While beats are dropped, the flag is up.
  always_ff @(posedge clk) begin
    if (rst) dropping <= 1'b0;
    else if (take) dropping <= !tlast && (at_end || dropping);
    if (rst) packet_error <= 1'b0;
    else if (take && tlast != at_end) packet_error <= 1'b1;
  end

  if (BEATS > 1) begin : counted
    localparam int COUNT_W = $clog2(BEATS);
    logic [COUNT_W-1:0] beat;
    logic               put;
    assign at_end   = beat == COUNT_W'(BEATS - 1);
    assign put      = out_valid && out_ready;
    // No choice between this and zeros: a tool would make a reset of that, which no shift register behind has.
    assign out_data = tdata[WIDTH-1:0] & {WIDTH{!filling}};
    always_ff @(posedge clk) begin
      if (rst) beat <= '0;
      else if (put) beat <= at_end ? '0 : beat + 1'b1;
      if (rst) filling <= 1'b0;
      else if (put) filling <= !at_end && (filling || tlast);
    end
  end else begin : single
    assign at_end   = 1'b1;
    assign filling  = 1'b0;
    assign out_data = tdata[WIDTH-1:0];
  end

  logic unused;
  assign unused = &{tdata, tkeep, tstrb};

endmodule
