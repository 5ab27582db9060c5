// net.0: fork
  wire [7:0] net_unit_copy;
  assign y_in_data = net_unit_copy;
  assign z_in_data = net_unit_copy;
  hpq_fork #(
      .WIDTH  (8),
      .OUTPUTS(2)
  ) net_unit (
      .clk      (ap_clk),
      .rst      (rst),
      .in_data  (x_out_data),
      .in_valid (x_out_valid),
      .in_ready (x_out_ready),
      .out_data (net_unit_copy),
      .out_valid({z_in_valid, y_in_valid}),
      .out_ready({z_in_ready, y_in_ready})
  );
