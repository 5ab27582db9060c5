// net.0: pool
  hpq_maxpool #(
      .POSITIONS(1),
      .TAPS     (4),
      .LANES    (2),
      .WIDTH    (4),
      .IS_SIGNED(1'b1),
      .EVERY    (1)
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
