// Hands beats on through one register and checks TLAST: one packet is three beats of two 8-bit elements. +BUG=
// says what is wrong with it.

module axis_packets (
    input  wire        ap_clk,
    input  wire        ap_rst_n,
    input  wire [15:0] s_axis_TDATA,
    input  wire        s_axis_TVALID,
    output wire        s_axis_TREADY,
    input  wire        s_axis_TLAST,
    input  wire [ 1:0] s_axis_TKEEP,
    input  wire [ 1:0] s_axis_TSTRB,
    output wire        s_axis_packet_error,
    output wire [15:0] m_axis_TDATA,
    output wire        m_axis_TVALID,
    input  wire        m_axis_TREADY,
    output wire        m_axis_TLAST,
    output wire [ 1:0] m_axis_TKEEP,
    output wire [ 1:0] m_axis_TSTRB
);
    string bug;
    logic silent, hasty, falls, survives, misaligned, unfilled;
    initial begin
        if ($value$plusargs("BUG=%s", bug) == 0) bug = "none";
        silent     = bug == "silent";      // the flag does not rise
        hasty      = bug == "hasty";       // it rises with a right packet
        falls      = bug == "falls";       // it falls with the next right packet
        survives   = bug == "survives";    // reset leaves it up
        misaligned = bug == "misaligned";  // beats that are too much begin the next frame
        unfilled   = bug == "unfilled";    // a frame that is too short is filled with the next packet
    end

    logic [1:0] beat, sent;
    logic filling, dropping, flag, full;
    logic [15:0] data;
    wire at_end = beat == 2;
    wire room = !full || m_axis_TREADY;
    wire take = s_axis_TVALID && s_axis_TREADY;
    wire put = room && (filling || (take && !dropping));
    assign s_axis_TREADY = ap_rst_n && room && !filling;
    assign s_axis_packet_error = flag;
    assign m_axis_TDATA = data;
    assign m_axis_TVALID = full;
    assign m_axis_TLAST = sent == 2;
    assign m_axis_TKEEP = '1;
    assign m_axis_TSTRB = '1;

    initial flag = 0;
    always_ff @(posedge ap_clk) begin
        if (!ap_rst_n) begin
            {beat, sent, filling, dropping, full} <= '0;
            if (!survives) flag <= 0;
        end else begin
            if (put) begin
                data <= filling ? '0 : s_axis_TDATA;
                beat <= at_end ? 0 : beat + 1;
                filling <= !at_end && (filling || s_axis_TLAST) && !unfilled;
            end
            full <= put || (full && !room);
            if (full && m_axis_TREADY) sent <= m_axis_TLAST ? 0 : sent + 1;
            if (take) dropping <= !s_axis_TLAST && (at_end || dropping) && !misaligned;
            if (take && (s_axis_TLAST != at_end || hasty)) flag <= !silent;
            else if (take && s_axis_TLAST && falls) flag <= 0;
        end
    end
endmodule
