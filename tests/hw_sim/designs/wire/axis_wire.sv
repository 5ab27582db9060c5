// Hands every beat on within the same clock cycle: one packet is two beats of two 8-bit elements.

module axis_wire (
    input  wire        ap_clk,
    input  wire        ap_rst_n,
    input  wire [15:0] s_axis_TDATA,
    input  wire        s_axis_TVALID,
    output wire        s_axis_TREADY,
    input  wire        s_axis_TLAST,
    input  wire [ 1:0] s_axis_TKEEP,
    input  wire [ 1:0] s_axis_TSTRB,
    output wire [15:0] m_axis_TDATA,
    output wire        m_axis_TVALID,
    input  wire        m_axis_TREADY,
    output wire        m_axis_TLAST,
    output wire [ 1:0] m_axis_TKEEP,
    output wire [ 1:0] m_axis_TSTRB
);
    logic beat;
    always_ff @(posedge ap_clk) begin
        if (!ap_rst_n) beat <= 0;
        else if (s_axis_TVALID && m_axis_TREADY) beat <= !beat;
    end

    assign s_axis_TREADY = m_axis_TREADY && ap_rst_n;
    assign m_axis_TVALID = s_axis_TVALID && ap_rst_n;
    assign m_axis_TDATA = s_axis_TDATA;
    assign m_axis_TLAST = beat;
    assign m_axis_TKEEP = '1;
    assign m_axis_TSTRB = '1;
endmodule
