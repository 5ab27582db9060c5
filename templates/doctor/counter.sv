// The smallest clocked design: counts cycles after reset.
module counter (
    input  logic       ap_clk,
    input  logic       ap_rst_n,
    output logic [7:0] m_count
);
  always_ff @(posedge ap_clk) m_count <= ap_rst_n ? m_count + 8'd1 : 8'd0;
endmodule
