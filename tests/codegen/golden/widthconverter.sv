// net.0: widthconverter
  hpq_widthconverter #(
      .WIDTH    (5),
      .IN_LANES (1),
      .OUT_LANES(3)
  ) net_unit (
      .clk      (ap_clk),
      .rst      (rst),
      .in_data  (x_out_data),
      .in_valid (x_out_valid),
      .in_ready (x_out_ready),
      .out_data (y_in_data),
      .out_valid(y_in_valid),
      .out_ready(y_in_ready)
  );
